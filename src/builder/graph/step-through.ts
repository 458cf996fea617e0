// Goes through a build instruction by instruction, in the order of the file, and stops where somebody wants to look: what an
// instruction begins with is solved, and opened for commands whose changes are thrown away.
import type { Lease } from '../../content/index.ts';
import type { ExecOp, Node } from '../../graph/index.ts';
import { RootedTree } from '../../sys/index.ts';
import { type TracedStep } from '../lower/index.ts';
import { sourceOf } from '../placed.ts';
import { type Result, SCRATCH } from '../result.ts';
import type { StepFile, StepPlace, StepState } from '../stepping.ts';
import { type MountedRootfs, openRootfs, type RunRequest, runStep } from '../steps/index.ts';
import type { BuildEnvironment, BuildJob } from '../types.ts';
import { snapshotOf } from './changing.ts';
import { type BuildDriver, verticesOf } from './driver.ts';
import { execRequest } from './exec-step.ts';

export interface Stepping {
  readonly env: BuildEnvironment;
  readonly request: BuildJob;
  readonly lease: Lease;
  /** The result of a node, which is executed if it has none. */
  solve(node: Node): Promise<Result>;
  readonly driver: Pick<BuildDriver, 'mountIdentity'>;
}

/** @throws what a step throws, and what the debugger does */
export async function stepThrough(o: Stepping, steps: readonly TracedStep[]): Promise<void> {
  const { request } = o;
  for (const step of steps) {
    const place = placeOf(step);
    if (request.stepping?.wants(place) !== true) continue;
    const result = step.before === undefined ? SCRATCH : await o.solve(step.before);
    const op = commandOp(o.request, step);
    const inputs = [result, ...(await inputsOf(o, step))];
    await using opened = new OpenedState(o, step, op, inputs);
    await request.stepping.stopped({
      ...place,
      args: step.args,
      config: step.config,
      platform: step.platform,
      run: (command, options) => opened.run(command, options),
      list: (path) => opened.list(path),
    });
    request.signal.throwIfAborted();
  }
}

function placeOf({ instruction, stage }: TracedStep): StepPlace {
  return {
    reason: 'step',
    text: instruction.original,
    stage: { index: stage.index, base: stage.from.base, ...(stage.name !== undefined && { name: stage.name }) },
    source: sourceOf(instruction),
  };
}

/** Stops where a command failed, on what it left, once at a time. */
export class FailureStops {
  readonly #o: Pick<Stepping, 'env' | 'request'>;
  readonly #steps: readonly TracedStep[];
  #last: Promise<void> = Promise.resolve();

  constructor(o: Pick<Stepping, 'env' | 'request'>, steps: readonly TracedStep[]) {
    this.#o = o;
    this.#steps = steps;
  }

  /** @param step as it ran */
  at(node: Node, step: RunRequest, error: string): Promise<void> {
    const stop = this.#last.then(() => this.#stop(node, step, error));
    this.#last = stop.catch(() => {}); // it is thrown to whose failure it is
    return stop;
  }

  async #stop(node: Node, step: RunRequest, error: string): Promise<void> {
    const { env, request } = this.#o;
    const traced = this.#steps.find(({ after }) => after === node);
    // another one that failed at the same time ends the build
    if (traced === undefined || step.signal.aborted) return;
    const place: StepPlace = { ...placeOf(traced), reason: 'failed' };
    if (request.stepping?.wants(place) !== true) return;
    let last: Promise<unknown> = Promise.resolve();
    await request.stepping.stopped({
      ...place,
      args: traced.args,
      config: traced.config,
      platform: traced.platform,
      error,
      run: (command, { signal, onOutput }) => {
        const turn = last.then(async () => {
          const args = [...shellOf(traced), command];
          const both = AbortSignal.any([signal, request.signal]);
          const run = {
            ...step,
            args,
            signal: both,
            onWork: () => {},
            onOutput: (s: 'stdout' | 'stderr', c: Uint8Array) => onOutput(s, Buffer.from(c)),
          };
          return (await runStep(env, run)).exitCode;
        });
        last = turn.catch(() => {}); // thrown to whoever asked
        return turn;
      },
      list: async (path) => filesAt(step.rootfs.path, path),
    });
    await last;
  }
}

/** What the mounts of a RUN show. */
async function inputsOf(o: Stepping, { after }: TracedStep): Promise<Result[]> {
  if (after?.op.kind !== 'exec') return [];
  const results: Result[] = [];
  for (const input of after.inputs.slice(1)) results.push(await o.solve(input));
  return results;
}

/** A command as a RUN here would be: with the mounts of the RUN that it stands at. */
function commandOp(request: BuildJob, { after, env, config }: TracedStep): ExecOp {
  if (after?.op.kind === 'exec') return after.op;
  return {
    kind: 'exec',
    args: [],
    env,
    cwd: config.WorkingDir || '/',
    user: config.User ?? '',
    mounts: [],
    network: request.network,
    security: 'sandbox',
    addHosts: request.addHosts,
    ...(request.shmSize !== undefined && { shmSize: request.shmSize }),
    ulimits: request.ulimits,
  };
}

/** Opened when it is first asked for: most stops are looked at only. */
class OpenedState implements AsyncDisposable {
  readonly #o: Stepping;
  readonly #step: TracedStep;
  readonly #op: ExecOp;
  readonly #inputs: readonly Result[];
  readonly #opened = new DisposableStack();
  #rootfs: MountedRootfs | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(o: Stepping, step: TracedStep, op: ExecOp, inputs: readonly Result[]) {
    this.#o = o;
    this.#step = step;
    this.#op = op;
    this.#inputs = inputs;
  }

  run(command: string, { signal, onOutput }: Parameters<StepState['run']>[1]): Promise<number> {
    return this.#inTurn(async () => {
      const { env, request, driver } = this.#o;
      const node = this.#step.after ?? this.#step.before;
      const meta = node?.meta ?? { name: this.#step.instruction.original, noCache: false };
      using shown = new DisposableStack();
      const op = { ...this.#op, args: [...shellOf(this.#step), command] };
      const v = { id: node?.digest ?? '', node: { meta } };
      const step: RunRequest = execRequest(
        env,
        request,
        {
          v,
          op,
          rootfs: this.#open(),
          inputs: this.#inputs,
          kept: new Map(),
          identityOf: (m, result) => (node === undefined ? '' : driver.mountIdentity(verticesOf([node])[0]!, m, result)),
        },
        shown,
        AbortSignal.any([signal, request.signal]),
      );
      await env.runtime();
      return (await runStep(env, { ...step, onOutput: (stream, chunk) => onOutput(stream, Buffer.from(chunk)) })).exitCode;
    });
  }

  list(path: string): Promise<StepFile[]> {
    return this.#inTurn(() => filesAt(this.#open().path, path));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last.catch(() => {}); // reported to whoever asked
    this.#opened.dispose();
  }

  #open(): MountedRootfs {
    if (this.#rootfs !== undefined) return this.#rootfs;
    const { env, lease } = this.#o;
    const { id, upper } = env.snapshots.prepare(snapshotOf(this.#inputs[0]), lease);
    this.#opened.defer(() => env.snapshots.remove(id));
    this.#rootfs = this.#opened.use(openRootfs(env.layout, env.snapshots.mounts(id), upper));
    return this.#rootfs;
  }

  #inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn;
    return turn;
  }
}

const shellOf = ({ config }: TracedStep): readonly string[] => ((config.Shell ?? []).length > 0 ? config.Shell! : ['/bin/sh', '-c']);

/** The files of a folder of a root, as somebody within it would see them. */
function filesAt(root: string, path: string): StepFile[] {
  using tree = new RootedTree(root);
  using folder = tree.directory(path);
  return folder.list().flatMap((name): StepFile[] => {
    const stat = folder.stat(name);
    if (stat === undefined) return [];
    const target = stat.isSymbolicLink() ? tree.readLink(`${folder.inside}/${name}`) : undefined;
    return [
      {
        name,
        type: stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? 'link' : 'other',
        size: stat.size,
        mode: stat.mode & 0o7777,
        owner: `${stat.uid}:${stat.gid}`,
        ...(target !== undefined && { target }),
      },
    ];
  });
}
