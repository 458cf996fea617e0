// What vertices of a build do: sources are images and directories, steps change snapshots. The solver calls this with results
// and gets results; a result is a committed snapshot, or a directory of the user's.
import type { Lease } from '../../content/index.ts';
import { type ExecMount, type ExecOp, type FileAction, type Node, type SourceOp, topological } from '../../graph/index.ts';
import { quote } from '../../dockerfile/index.ts';
import { SlipwayError } from '../../model/index.ts';
import type { CachedResult, ForesightDriver, Vertex } from '../../solver/index.ts';
import type { BuildContext } from '../context/index.ts';
import {
  contentDigest,
  type ContentDigestOptions,
  copyStep,
  type FileDigests,
  type MountedRootfs,
  openRootfs,
  type RunRequest,
  runStep,
} from '../steps/index.ts';
import type { Result } from '../result.ts';
import { type BaseImages, Sources } from '../sources/index.ts';
import { placed } from '../placed.ts';
import { changing, snapshotOf } from './changing.ts';
import { changeEntry } from './entries.ts';
import { execRequest } from './exec-step.ts';
import { sourceKind } from './mounts.ts';
import { retrying } from './retrying.ts';
import { type Changes, Stacking } from './stacking.ts';
import type { BuildEnvironment, BuildJob } from '../types.ts';

export interface NodeVertex extends Vertex {
  readonly node: Node;
  readonly inputs: readonly NodeVertex[];
}

/** The vertices of nodes and of all that they need. Without recursion: a chain may have thousands. */
export function verticesOf(nodes: readonly Node[]): NodeVertex[] {
  const known = new Map<Node, NodeVertex>();
  for (const node of topological(nodes)) {
    // a step changes input 0, which counts by its key; what it reads of the others counts by content
    const { kind } = node.op;
    const selective = node.inputs.map((_, i) => i > 0 || kind === 'merge' || kind === 'diff');
    known.set(node, {
      id: node.digest,
      name: node.meta.name,
      inputs: node.inputs.map((i) => known.get(i) as NodeVertex),
      definition: node.definition,
      selective,
      noCache: node.meta.noCache,
      node,
    });
  }
  return nodes.map((n) => known.get(n) as NodeVertex);
}

/** What is kept of a result beside its snapshot. */
export interface StoredResult {
  /** ms since the epoch, and ms. */
  readonly createdAt: number;
  readonly ms: number;
  readonly changes?: Changes;
}

/** Results of before there was `ms` have none. */
export function storedResult({ json }: CachedResult): StoredResult {
  const { createdAt, ms = 0, changes } = JSON.parse(json) as Partial<StoredResult> & { createdAt: number };
  return { createdAt, ms, ...(changes && { changes }) };
}

/** What the driver tells of its work. */
export interface DriverHooks {
  /** The list of files that a digest in a key was made of. */
  onList(v: NodeVertex, digest: string, pieces: Buffer[]): void;
  /** How to ask for the processor time, in ms, that a vertex has used so far. */
  onWork(v: NodeVertex, used: () => number | undefined): void;
  /** What a vertex reads of an input, as its key is made: paths from the root. */
  onPath?(v: NodeVertex, path: string): void;
  /** A command failed, and what it left is still there: the build waits. */
  onFailure?(v: NodeVertex, step: RunRequest, message: string): Promise<void>;
}

/** For what stands on all of a result, and not on some files of it: another one after it was made again. */
const identityOf = (result: Result): string => `snapshot:${snapshotOf(result)}:${result.kind === 'snapshot' ? result.createdAt : ''}`;

export class BuildDriver implements ForesightDriver<Result> {
  readonly #env: BuildEnvironment;
  readonly #request: BuildJob;
  readonly #lease: Lease;
  readonly #hooks: DriverHooks;
  readonly #sources: Sources;
  /** Programs that have several outputs, running or ended. */
  readonly #runs = new Map<string, Promise<Result[]>>();

  constructor(env: BuildEnvironment, request: BuildJob, bases: BaseImages, lease: Lease, hooks: DriverHooks) {
    this.#hooks = hooks;
    this.#env = env;
    this.#request = request;
    this.#lease = lease;
    this.#sources = new Sources(env, request, bases, lease);
  }

  async resolve({ node: { op, meta } }: NodeVertex): Promise<void> {
    if (op.kind !== 'source') return;
    await this.#sources
      .of(op)
      .resolve?.(op)
      .catch((e: unknown) => Promise.reject(placed(e, meta.source)));
  }

  sourceKey({ node: { op } }: NodeVertex): string | undefined {
    return op.kind === 'source' ? this.#sources.of(op).key(op) : undefined;
  }

  /** What is there of a source without bringing anything in. */
  peek({ node: { op } }: NodeVertex): Result | undefined {
    return op.kind === 'source' ? this.#sources.of(op).peek?.(op) : undefined;
  }

  contentKey(v: NodeVertex, input: number, result: Result): string {
    const { op } = v.node;
    return this.#pointing(v, () => {
      switch (op.kind) {
        case 'file':
          return op.actions.map((a) => (a.action === 'copy' && a.input === input ? this.#copyDigest(v, a, result) : '')).join('+');
        case 'exec':
          return [
            ...(op.root === input ? [identityOf(result)] : []),
            ...op.mounts.filter((m) => m.input === input).map((m) => this.mountIdentity(v, m, result)),
          ].join('+');
        case 'merge':
        case 'diff':
          return identityOf(result);
        default:
          throw new SlipwayError('internal', 'build.selective', `${op.kind} reads no part of an input`);
      }
    });
  }

  async execute(v: NodeVertex, inputs: readonly Result[], signal: AbortSignal): Promise<Result> {
    const { op } = v.node;
    try {
      switch (op.kind) {
        case 'source':
          return await this.#bring(op, v, signal);
        case 'exec':
          return await this.#run(v, op, inputs, signal);
        case 'merge':
          return await this.#merge(inputs, signal);
        case 'diff':
          return this.#diff(inputs, signal);
        case 'file':
          return await this.#change(inputs[0], async (rootfs) => {
            let changed = false;
            for (const a of op.actions) changed = (await this.#file(a, rootfs, inputs, op.actions.length === 1)) || changed;
            return changed;
          });
        default:
          return op satisfies never;
      }
    } catch (e) {
      throw placed(e, v.node.meta.source);
    }
  }

  save(_v: Vertex, result: Result): CachedResult | undefined {
    return result.kind === 'snapshot'
      ? { snapshotId: result.id, json: JSON.stringify({ createdAt: result.createdAt, ms: result.ms, changes: result.changes }) }
      : undefined;
  }

  restore({ node: { op } }: NodeVertex, cached: CachedResult, base: Result | undefined): Result | undefined {
    const stored = storedResult(cached);
    const { changes } = stored;
    const ends = changes ? [changes.lower, changes.upper] : [];
    if (ends.some((id) => id !== null && this.#env.snapshots.hold(id, this.#lease) === undefined)) return undefined;
    const id = cached.snapshotId;
    if (id === null) return { kind: 'snapshot', id, ...stored };
    const found = this.#env.snapshots.hold(id, this.#lease);
    if (found === undefined) return undefined;
    // what was executed again below has another snapshot than what was cached on top of it
    const upon = op.kind === 'exec' || op.kind === 'file';
    if (upon && base?.kind === 'snapshot' && base.id !== id && base.id !== found.parentId) return undefined;
    return { kind: 'snapshot', id, ...stored };
  }

  standsOn({ snapshotId: id }: CachedResult, below: CachedResult): boolean {
    if (id === null || id === below.snapshotId) return id === below.snapshotId;
    const parentId = this.#env.snapshots.get(id)?.parentId;
    if (parentId === undefined || parentId === below.snapshotId) return true; // one that is gone is not found anyway
    if (parentId === null || below.snapshotId === null) return false;
    // of equal layers, one of which came from elsewhere
    const chain = this.#env.snapshots.get(parentId)?.chainId;
    return chain !== undefined && chain === this.#env.snapshots.get(below.snapshotId)?.chainId;
  }

  /** Ends what the sources hold. */
  close(): void {
    this.#sources.close();
  }

  #bring(op: SourceOp, { id }: NodeVertex, signal: AbortSignal): Promise<Result> {
    return this.#sources.of(op).bring(op, {
      signal,
      onProgress: (name, current, total) =>
        this.#request.onEvent({ type: 'progress', id, name, current, total: total ?? current, done: current === total }),
    });
  }

  /** Lets a step change a file system. A step that says it changed nothing leaves the one that it was given. */
  async #change(below: Result | undefined, step: (rootfs: MountedRootfs) => Promise<boolean>): Promise<Result> {
    const [result] = await changing(this.#env, this.#lease, [below], async ([rootfs]) => [await step(rootfs as MountedRootfs)]);
    return result as Result;
  }

  /** Runs the program of an operation, once for all operations that give outputs of that run. */
  async #run(v: NodeVertex, op: ExecOp, inputs: readonly Result[], signal: AbortSignal): Promise<Result> {
    const kept = op.mounts.flatMap((m, i) => (m.output === true ? [i] : []));
    const begin = async (): Promise<Result[]> =>
      changing(this.#env, this.#lease, [inputs[op.root ?? 0], ...kept.map((i) => inputs[op.mounts[i]?.input ?? -1])], async (rootfs) => {
        const roots = new Map(kept.map((mount, i) => [mount, (rootfs[i + 1] as MountedRootfs).path]));
        await this.#exec(v, op, rootfs[0] as MountedRootfs, inputs, roots, signal);
        return rootfs.map((_, i) => i > 0 || op.rootReadonly !== true);
      });
    let run = op.run === undefined ? undefined : this.#runs.get(op.run);
    if (run === undefined) {
      run = retrying(v.node.meta.retries ?? 0, begin, signal, (text) =>
        this.#request.onEvent({ type: 'log', id: v.id, stream: 'stderr', data: Buffer.from(text), at: this.#env.now() }),
      );
      if (op.run !== undefined) this.#runs.set(op.run, run);
    }
    return (await run)[op.output === undefined ? 0 : kept.indexOf(op.output) + 1] as Result;
  }

  async #merge([first, ...others]: readonly Result[], signal: AbortSignal): Promise<Result> {
    const started = this.#env.now();
    const stacking = new Stacking(this.#env.layout, this.#env.snapshots, this.#lease, signal);
    let id = snapshotOf(first);
    for (const other of others) {
      const upper = snapshotOf(other);
      id = stacking.lay(id, (other.kind === 'snapshot' && other.changes) || { lower: null, upper });
    }
    const createdAt = this.#env.now();
    return { kind: 'snapshot', id, createdAt, ms: createdAt - started };
  }

  #diff([lower, upper]: readonly Result[], signal: AbortSignal): Result {
    const started = this.#env.now();
    const changes = { lower: snapshotOf(lower), upper: snapshotOf(upper) };
    const id = new Stacking(this.#env.layout, this.#env.snapshots, this.#lease, signal).lay(null, changes);
    const createdAt = this.#env.now();
    return { kind: 'snapshot', id, createdAt, ms: createdAt - started, changes };
  }

  /** @param only whether nothing else changes the file system */
  async #file(a: FileAction, rootfs: MountedRootfs, inputs: readonly Result[], only: boolean): Promise<boolean> {
    const now = this.#env.now();
    if (a.action !== 'copy') {
      changeEntry(rootfs, a, now);
      return true; // as in BuildKit it has a layer also where nothing was to be made
    }
    const source = a.input < 0 ? undefined : inputs[a.input];
    const copy = (root: string, ignore?: BuildContext['ignore'], digests?: FileDigests): Promise<void> =>
      copyStep(rootfs, {
        instruction: a.instruction,
        style: 'graph',
        sources: source
          ? [{ root, patterns: a.sources, kind: sourceKind(a.from, source), ...(ignore && { ignore }), ...(digests && { digests }) }]
          : [],
        files: a.files.map(({ name, data }) => ({ name, data: Buffer.from(data) })),
        destination: a.destination,
        workdir: a.workdir,
        ...(a.chown !== undefined && { chown: a.chown }),
        ...(a.chmod !== undefined && { chmod: a.chmod }),
        parents: a.parents,
        link: a.link,
        excludes: a.excludes,
        ...(a.unpack !== undefined && { unpack: a.unpack }),
        ...(only && rootfs.pack && { pack: rootfs.pack }),
        now,
      });
    if (source?.kind === 'snapshot') {
      using view = openRootfs(this.#env.layout, source.id === null ? [] : this.#env.snapshots.view(source.id));
      await copy(view.path);
    } else await copy(source?.root ?? '', source?.ignore, source?.digests);
    return true;
  }

  /** @param kept where the mounts lie whose files are an output, by their indexes */
  async #exec(
    v: NodeVertex,
    op: ExecOp,
    rootfs: MountedRootfs,
    inputs: readonly Result[],
    kept: ReadonlyMap<number, string>,
    signal: AbortSignal,
  ): Promise<void> {
    using shown = new DisposableStack();
    const identityOf = (m: ExecMount, result: Result): string => this.mountIdentity(v, m, result);
    const step: RunRequest = {
      ...execRequest(this.#env, this.#request, { v, op, rootfs, inputs, kept, identityOf }, shown, signal),
      onWork: (used) => this.#hooks.onWork(v, used),
    };
    const { exitCode } = await runStep(this.#env, step);
    if (exitCode !== 0) {
      const { limits } = v.node.meta;
      const message = `process ${quote(op.args.join(' '))} did not complete successfully: exit code: ${exitCode}`;
      await this.#debug(v, op, step);
      await this.#hooks.onFailure?.(v, step, message);
      const hints = limits?.memory !== undefined && exitCode === 137 ? ['the step may not use more memory: --memory limits it'] : [];
      throw new SlipwayError('process-failed', 'build.command-failed', message, { hints });
    }
  }

  /** A shell where the command failed: its files as it left them, its mounts, its environment. */
  async #debug(v: NodeVertex, op: ExecOp, step: RunRequest): Promise<void> {
    const { debug } = this.#request;
    if (debug === undefined) return;
    const shell = op.args[1] === '-c' && op.args[0] !== undefined ? [op.args[0]] : ['/bin/sh'];
    debug.begin(v.name, shell);
    const { signal } = this.#request;
    await runStep(this.#env, { ...step, args: shell, attached: { terminal: debug.terminal, streams: debug.streams }, signal });
  }

  #copyDigest(v: NodeVertex, a: Extract<FileAction, { action: 'copy' }>, result: Result): string {
    const { instruction, parents, excludes } = a;
    return this.#digest(v, result, a.sources, { kind: sourceKind(a.from, result), instruction, parents, excludes });
  }

  /** The digest of what a mount shows. */
  mountIdentity(v: NodeVertex, m: ExecMount, result: Result): string {
    return this.#digest(v, result, [m.selector ?? '/'], { kind: result.kind === 'directory' ? 'context' : 'stage' });
  }

  #digest(v: NodeVertex, result: Result, patterns: readonly string[], o: Omit<ContentDigestOptions, 'style'>): string {
    const pieces: Buffer[] = [];
    const onList = (piece: Buffer): void => void pieces.push(piece);
    const { onPath } = this.#hooks;
    const paths = onPath && { onPath: (path: string): void => onPath(v, path) };
    const digest = this.#withFiles(result, (root, ignore, cache) =>
      contentDigest(root, patterns, { ...o, style: 'graph', onList, ...paths, ...(ignore && { ignore }), ...(cache && { cache }) }),
    );
    this.#hooks.onList(v, digest, pieces);
    return digest;
  }

  /** Lets `fn` read the files of a result, mounted for as long as that takes. */
  #withFiles<T>(result: Result | undefined, fn: (root: string, ignore?: BuildContext['ignore'], digests?: FileDigests) => T): T {
    if (!result) return fn('');
    if (result.kind === 'directory') return fn(result.root, result.ignore, result.digests);
    using view = openRootfs(this.#env.layout, result.id === null ? [] : this.#env.snapshots.view(result.id));
    return fn(view.path);
  }

  #pointing<T>(v: NodeVertex, fn: () => T): T {
    try {
      return fn();
    } catch (e) {
      throw placed(e, v.node.meta.source);
    }
  }
}
