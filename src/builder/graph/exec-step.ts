// An exec operation as a step that runs: its mounts as folders of this machine, and what the build says of every step.
import type { ExecMount, ExecOp, Node } from '../../graph/index.ts';
import type { Result } from '../result.ts';
import { type MountedRootfs, openRootfs, type RunRequest } from '../steps/index.ts';
import type { BuildEnvironment, BuildJob } from '../types.ts';
import { hostMounts } from '../volumes.ts';
import { scriptMount, stepMount } from './mounts.ts';

export interface ExecStep {
  readonly v: { readonly id: string; readonly node: Pick<Node, 'meta'> };
  readonly op: ExecOp;
  readonly rootfs: MountedRootfs;
  readonly inputs: readonly Result[];
  /** Where the mounts lie whose files are an output, by their indexes. */
  readonly kept: ReadonlyMap<number, string>;
  /** By what a cache that begins with the files of an input is told from others. */
  readonly identityOf: (m: ExecMount, result: Result) => string;
}

/** Each name once, with the last value. */
function withHidden(env: readonly string[], hidden: readonly string[]): readonly string[] {
  if (hidden.length === 0) return env;
  return [...new Map([...env, ...hidden].map((e) => [e.slice(0, e.indexOf('=')), e])).values()];
}

/** @param shown what is mounted for it, until it has run */
export function execRequest(
  env: BuildEnvironment,
  request: BuildJob,
  { v, op, rootfs, inputs, kept, identityOf }: ExecStep,
  shown: DisposableStack,
  signal: AbortSignal,
): RunRequest {
  const views = new Map<number, NonNullable<Parameters<typeof stepMount>[1]>>();
  for (const m of op.mounts) {
    const result = m.input < 0 ? undefined : inputs[m.input];
    if (!result || views.has(m.input)) continue;
    if (result.kind === 'directory') {
      const identity = m.type === 'cache' ? identityOf(m, result) : '';
      views.set(m.input, { root: result.root, ignore: result.ignore, identity });
    } else {
      const { path } = shown.use(openRootfs(env.layout, result.id === null ? [] : env.snapshots.view(result.id)));
      views.set(m.input, { root: path, identity: `snapshot ${result.id}` });
    }
  }
  const { limits, hiddenEnv = [] } = v.node.meta;
  return {
    rootfs,
    style: 'graph',
    args: op.args,
    env: withHidden(op.env, hiddenEnv),
    workdir: op.cwd,
    user: op.user,
    mounts: [...hostMounts(request), ...op.mounts.map((m, i) => stepMount(m, views.get(m.input), kept.get(i))), ...scriptMount(op)],
    project: request.identity,
    ...(op.rootReadonly && { readonly: true }),
    ...(limits && { limits }),
    session: request.session,
    network: op.network,
    security: op.security,
    allow: request.allow,
    ...(op.hostname !== undefined && { hostname: op.hostname }),
    addHosts: op.addHosts,
    ...(op.shmSize !== undefined && { shmSize: op.shmSize }),
    ulimits: op.ulimits,
    onOutput: (stream, chunk) => request.onEvent({ type: 'log', id: v.id, stream, data: Buffer.from(chunk), at: env.now() }),
    signal,
  };
}
