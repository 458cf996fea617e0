// RUN: an exec node on the stage's file system, with its mounts as further inputs.
import { availableParallelism } from 'node:os';
import { posix } from 'node:path';
import {
  describeInstruction,
  type Environment,
  expandRunMounts,
  givenPredefinedArgs,
  runCommandLine,
  type RunInstruction,
  type RunMount,
} from '../../dockerfile/index.ts';
import type { ExecMount, ExecOp, Node, StepLimits } from '../../graph/index.ts';
import { SlipwayError, type SourceExcerpt } from '../../model/index.ts';
import { osOf, shellOf } from './config.ts';
import { checkLimits } from '../../container/index.ts';
import { placed, sourceOf } from '../placed.ts';
import { type LowerContext, nodeMeta, scratchNode, type StageState, stepName } from './state.ts';
import { programEnvironment } from './trace.ts';

export async function lowerRun(c: LowerContext, state: StageState, i: RunInstruction): Promise<void> {
  const source = sourceOf(i);
  const { args, script } = runCommandLine(i, { shell: shellOf(state), os: osOf(state) });
  if (args.length === 0) {
    throw new SlipwayError('invalid-argument', 'build.no-command', 'failed to marshal LLB definition: arguments are required', {
      source,
      hints: ['RUN [] runs nothing: give it a command, or remove it'],
    });
  }
  const network = i.network === 'default' ? c.request.network : i.network;
  for (const [wanted, entitlement] of [
    [network === 'host', 'network.host'],
    [i.security === 'insecure', 'security.insecure'],
  ] as const) {
    if (wanted && !c.request.allow.includes(entitlement)) {
      throw new SlipwayError('permission-denied', 'build.entitlement', `failed to load LLB: ${entitlement} is not allowed`, {
        source,
        hints: [`allow it for this build: slipway build --allow ${entitlement} …`],
      });
    }
  }
  if (i.devices.length > 0) {
    const message = 'device feature is only supported in Dockerfile frontend 1.14.0-labs or later';
    throw new SlipwayError('unsupported', 'build.device', message, { source, hints: ['RUN --device is not supported'] });
  }
  const env = programEnvironment(state);
  const { mounts, inputs } = await lowerMounts(c, state, i, state.variables);
  const hostname = c.request.buildArgs['BUILDKIT_SANDBOX_HOSTNAME'];
  const op: ExecOp = {
    kind: 'exec',
    args,
    env,
    cwd: state.config.WorkingDir || '/',
    user: state.config.User ?? '',
    mounts,
    network,
    security: i.security,
    ...(hostname && { hostname }),
    addHosts: c.request.addHosts,
    ...(c.request.shmSize !== undefined && { shmSize: c.request.shmSize }),
    ulimits: c.request.ulimits,
    ...(script && { script }),
  };
  // a proxy's address is no part of what a step is, and goes before what the step itself sets
  const hiddenEnv = [...givenPredefinedArgs(c.request.buildArgs)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([k, v]) => (v === '' ? [] : [`${k.toUpperCase()}=${v}`, `${k.toLowerCase()}=${v}`]));
  const shown = describeInstruction(i, masked(state.variables, mounts), { escape: c.dockerfile.escape });
  const usual = nodeMeta(c, state, stepName(c, state, shown), i);
  const limits = limitsOf(i, c.request.limits);
  if (limits) asPlaced(source, () => checkLimits(limits, availableParallelism()));
  const meta = {
    ...usual,
    hiddenEnv,
    noCache: usual.noCache || i.noCache === true,
    ...(i.retries !== undefined && { retries: i.retries }),
    ...(limits && { limits }),
  };
  state.node = c.graph.node(op, [state.node ?? scratch(c), ...inputs], meta);
  // each name once, where it was first declared, with the value that the command sees
  const shownArgs = state.args.map(({ key }) => `${key}=${state.variables.get(key) ?? ''}`);
  const prefix = shownArgs.length === 0 ? '' : `|${shownArgs.length} ${shownArgs.join(' ')} `;
  state.steps.push({
    createdBy: `RUN ${prefix}${args.join(' ')} # buildkit`,
    node: state.node,
    ...(state.author !== undefined && { author: state.author }),
  });
}

function asPlaced(source: SourceExcerpt, fn: () => void): void {
  try {
    fn();
  } catch (e) {
    throw placed(e, source);
  }
}

/** Those of the step go before those of the build. */
function limitsOf(i: RunInstruction, ofBuild: StepLimits | undefined): StepLimits | undefined {
  if (i.memory === undefined && i.cpus === undefined) return ofBuild;
  const { cpuPeriod: _period, cpuQuota: _quota, ...rest } = ofBuild ?? {};
  const { memorySwap: _swap, ...own } = rest;
  return {
    ...(i.memory === undefined ? rest : own),
    ...(i.memory !== undefined && { memory: i.memory }),
    ...(i.cpus !== undefined && { nanoCpus: Math.round(i.cpus * 1e9) }),
  };
}

/** The variables as the name of a step may show them. */
function masked(env: Environment, mounts: readonly ExecMount[]): Environment {
  const secret = new Set(mounts.flatMap((m) => (m.type === 'secret' && m.env !== undefined ? [m.env] : [])));
  return secret.size === 0 ? env : { get: (name) => (secret.has(name) ? '****' : env.get(name)) };
}

export const scratch = (c: LowerContext): Node => scratchNode(c.graph);

async function lowerMounts(
  c: LowerContext,
  state: StageState,
  i: RunInstruction,
  env: Environment,
): Promise<{ mounts: ExecMount[]; inputs: Node[] }> {
  const inputs: Node[] = [];
  const mounts: ExecMount[] = [];
  const cwd = state.config.WorkingDir || '/';
  const show = async (from: string | undefined, target: string): Promise<number> => {
    const node = from === undefined ? c.contextNode() : ((await c.resolveFrom(from, state, sourceOf(i), target)).node ?? scratch(c));
    return inputs.push(node); // input 0 is the root
  };
  for (const m of expandRunMounts(i, env, { escape: c.dockerfile.escape })) {
    state.outline.mount(i, m);
    const lowered = await lowerMount(m, cwd, c.request.buildArgs['BUILDKIT_CACHE_MOUNT_NS'], show);
    const content = m.type === 'secret' ? await c.request.secretDigest?.(m.id) : undefined;
    const mount: ExecMount = content === undefined ? lowered : { ...lowered, content };
    if (mount.target === '/' || m.target === '') {
      throw new SlipwayError('invalid-argument', 'build.mount-target', 'invalid mount target "/"', {
        source: sourceOf(i),
        hints: ['say where in the file system it is to be seen: --mount=type=…,target=PATH'],
      });
    }
    mounts.push(mount);
  }
  return { mounts, inputs };
}

async function lowerMount(
  m: RunMount,
  cwd: string,
  cacheNamespace: string | undefined,
  show: (from: string | undefined, target: string) => Promise<number>,
): Promise<ExecMount> {
  const ids = (x: { mode?: number; uid?: number; gid?: number }) => ({
    ...(x.mode !== undefined && { mode: x.mode }),
    ...(x.uid !== undefined && { uid: x.uid }),
    ...(x.gid !== undefined && { gid: x.gid }),
  });
  const at = (target: string): string => posix.resolve(cwd, target);
  switch (m.type) {
    case 'bind':
      return { type: 'bind', input: await show(m.from, m.target), target: at(m.target), selector: m.source, readonly: m.readOnly };
    case 'cache':
      return {
        type: 'cache',
        input: m.from === undefined ? -1 : await show(m.from, m.target),
        target: at(m.target),
        selector: m.source,
        readonly: m.readOnly,
        id: cacheNamespace ? `${cacheNamespace}/${m.id}` : m.id,
        sharing: m.sharing,
        ...ids(m),
      };
    case 'tmpfs':
      return { type: 'tmpfs', input: -1, target: at(m.target), readonly: m.readOnly, ...(m.size !== undefined && { size: m.size }) };
    case 'secret':
      return {
        type: 'secret',
        input: -1,
        ...(m.target !== undefined && { target: at(m.target) }),
        readonly: true,
        id: m.id,
        ...(m.env !== undefined && { env: m.env }),
        required: m.required,
        ...ids(m),
      };
    case 'ssh':
      return {
        type: 'ssh',
        input: -1,
        ...(m.target !== undefined && { target: at(m.target) }),
        readonly: true,
        id: m.id,
        required: m.required,
        ...ids(m),
      };
    default:
      return m satisfies never;
  }
}
