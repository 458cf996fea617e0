// The instructions that change files: RUN, COPY, ADD and WORKDIR, each looked up in the cache first and committed afterwards.
import { posix } from 'node:path';
import {
  type AddInstruction,
  type CopyInstruction,
  type RunInstruction,
  type WorkdirInstruction,
  commandWords,
} from '../../dockerfile/index.ts';
import type { Lease } from '../../content/index.ts';
import type { Image } from '../../image/index.ts';
import { recordEnded } from '../../container/index.ts';
import { SlipwayError, type ContainerConfig } from '../../model/index.ts';
import { RootedTree } from '../../sys/index.ts';
import { randomId } from '../../util/index.ts';
import { copyStep, openRootfs, runStep, workdirStep, type FileDigests, type MountedRootfs, type RunMount } from '../steps/index.ts';
import { withoutUmask } from '../steps/umask.ts';
import { hostMounts } from '../volumes.ts';
import type { BuildEnvironment, BuildJob } from '../types.ts';
import { planCopy } from './copy.ts';
import { Downloads } from './downloads.ts';
import type { Bases } from './from.ts';
import type { StepImages } from './images.ts';
import { shortId, type Output } from './output.ts';
import { shellOf, type StageState, withComment } from './state.ts';

export interface StepParts {
  readonly env: BuildEnvironment;
  readonly request: BuildJob;
  readonly images: StepImages;
  readonly output: Output;
  readonly bases: Bases;
  readonly lease: Lease;
  readonly digests: FileDigests;
}

/** True, and the state moved on, when an image made from `config` is there. */
function fromCache(parts: StepParts, state: StageState, config: ContainerConfig): boolean {
  const hit = parts.images.cached(state, config);
  if (!hit) return false;
  parts.output.usingCache();
  state.image = hit;
  return true;
}

/** What an intermediate container was, for the record of one that is kept. */
interface Intermediate {
  readonly id: string;
  readonly state: StageState;
  /** The image that it was made from. */
  readonly image: Image | undefined;
  readonly args: readonly string[];
  readonly startedAt: number;
  readonly output: { stream: 'stdout' | 'stderr'; data: Uint8Array }[];
}

/** Bytes of output that are kept of a container. */
const LARGEST_OUTPUT = 4 << 20;

/** Runs `fn` as what the original engine calls an intermediate container: with --rm=false it stays, as a failed one does. */
async function inContainer(
  parts: StepParts,
  state: StageState,
  args: readonly string[],
  fn: (c: Intermediate) => Promise<void>,
): Promise<void> {
  const c: Intermediate = { id: randomId(), state, image: state.image, args, startedAt: parts.env.now(), output: [] };
  parts.output.line(` ---> Running in ${shortId(c.id)}`);
  const removed = (): void => parts.output.line(` ---> Removed intermediate container ${shortId(c.id)}`);
  try {
    await fn(c);
  } catch (e) {
    if (parts.request.classic.forceRm) removed();
    throw e;
  }
  if (parts.request.classic.rm) removed();
  else keepContainer(parts, c, undefined, args[2]?.startsWith('#(nop)') === true ? undefined : 0);
}

/** Records a container, with a snapshot of its own, or the one that its command changed. */
function keepContainer(parts: StepParts, c: Intermediate, snapshotId: number | undefined, exitCode: number | undefined): void {
  const { env, lease, request } = parts;
  const image = snapshotId === undefined ? c.state.image : c.image;
  if (image === undefined) return;
  const top = image.layers.at(-1);
  const below = top === undefined ? null : (env.snapshots.byChain(top.chainId)?.id ?? null);
  const { config } = c.state;
  recordEnded(env.db, env.layout, {
    id: c.id,
    image: c.image ?? image,
    snapshotId: snapshotId ?? env.snapshots.prepare(below, lease).id,
    args: c.args,
    env: config.Env ?? [],
    workdir: config.WorkingDir || '/',
    user: config.User ?? '',
    labels: config.Labels ?? {},
    network: request.network === 'default' ? (request.networkName ?? 'bridge') : request.network,
    exitCode,
    startedAt: c.startedAt,
    finishedAt: env.now(),
    output: c.output,
  });
}

/** An instruction that changes the configuration only. */
export async function commitMetadata(parts: StepParts, state: StageState, comment: string): Promise<void> {
  const containerConfig = withComment(state.config, '#(nop) ', comment);
  if (fromCache(parts, state, containerConfig)) return;
  await inContainer(
    parts,
    state,
    containerConfig.Cmd ?? [],
    async ({ id }) => void parts.images.create({ state, containerConfig, container: id }),
  );
}

export async function runInstruction(parts: StepParts, state: StageState, instruction: RunInstruction): Promise<void> {
  const { config } = state;
  const args = commandWords(instruction.command, shellOf(config), 'classic');
  const active = state.args.active(config.Env ?? []);
  const counted = active.filter((a) => state.args.counts(a.name)).map((a) => `${a.name}=${a.value}`);
  const identity = active.length === 0 ? args : [`|${counted.length}`, ...counted, ...args];
  const containerConfig: ContainerConfig = { ...config, Cmd: identity, Entrypoint: null };
  if (fromCache(parts, state, containerConfig)) return;
  const ran = args.length > 0 ? args : ofImage(config);
  await inContainer(parts, state, ran, async (c) => {
    let failed: number | undefined;
    let kept = 0;
    const layer = await parts.images.change(
      state,
      async (rootfs) => {
        const { exitCode } = await runStep(parts.env, {
          rootfs,
          style: 'classic',
          id: c.id,
          args: ran,
          env: [...(config.Env ?? []), ...active.map((a) => `${a.name}=${a.value}`)],
          workdir: config.WorkingDir || '/',
          user: config.User ?? '',
          mounts: [...hostMounts(parts.request), ...volumes(rootfs, config)],
          network: parts.request.network,
          addHosts: parts.request.addHosts,
          ...(parts.request.shmSize === undefined ? {} : { shmSize: parts.request.shmSize }),
          ulimits: parts.request.ulimits,
          ...(parts.request.limits && { limits: parts.request.limits }),
          onOutput: (stream, chunk) => {
            parts.output.chunk(stream, chunk);
            if ((kept += chunk.length) <= LARGEST_OUTPUT) c.output.push({ stream, data: Uint8Array.from(chunk) });
          },
          signal: parts.request.signal,
        });
        parts.output.endOfCommand();
        if (exitCode === 0) return;
        failed = exitCode;
        throw new SlipwayError(
          'process-failed',
          'build.command-failed',
          `The command '${ran.join(' ')}' returned a non-zero code: ${exitCode}`,
          { exitCode, ...(!parts.request.classic.forceRm && { hints: [`its container is kept: slipway inspect ${shortId(c.id)}`] }) },
        );
      },
      (snapshotId) => {
        if (failed === undefined || parts.request.classic.forceRm || c.image === undefined) return false;
        keepContainer(parts, c, snapshotId, failed);
        return true;
      },
    );
    parts.images.create({ state, containerConfig, container: c.id, layer });
  });
}

/** What a RUN of an empty list runs: a container of the image as it is, whose entrypoint takes no words of CMD, as in Docker. */
function ofImage({ Entrypoint, Cmd }: ContainerConfig): readonly string[] {
  const args = Entrypoint?.length ? Entrypoint : (Cmd ?? []);
  if (args.length === 0) throw new SlipwayError('invalid-argument', 'build.no-command', 'no command specified');
  return args;
}

/** What a command writes into a volume is not part of the image; the volume begins with what the image has there. */
function volumes(rootfs: MountedRootfs, config: ContainerConfig): RunMount[] {
  using tree = new RootedTree(rootfs.path);
  return Object.keys(config.Volumes ?? {})
    .sort()
    .map((path) => {
      const target = posix.resolve('/', path);
      withoutUmask(() => tree.makeDirectories(target, 0o755)).close();
      return { type: 'bind', target, root: rootfs.path, source: target, readonly: false };
    });
}

export async function workdirInstruction(parts: StepParts, state: StageState, instruction: WorkdirInstruction): Promise<void> {
  if (instruction.path === '') throw new SlipwayError('invalid-argument', 'build.workdir', 'cannot normalize nothing');
  const WorkingDir = posix.resolve('/', state.config.WorkingDir ?? '/', instruction.path);
  state.config = { ...state.config, WorkingDir };
  const containerConfig = withComment(state.config, `#(nop) WORKDIR ${WorkingDir}`);
  if (fromCache(parts, state, containerConfig)) return;
  await inContainer(parts, state, containerConfig.Cmd ?? [], async ({ id: container }) => {
    const layer = await parts.images.change(
      state,
      async (rootfs) => void workdirStep(rootfs, WorkingDir, { style: 'classic', now: parts.env.now() }),
    );
    parts.images.create({ state, containerConfig, container, layer });
  });
}

export async function copyInstruction(
  parts: StepParts,
  state: StageState,
  done: readonly StageState[],
  instruction: CopyInstruction | AddInstruction,
): Promise<void> {
  if (instruction.link) parts.output.line('[Warning] the original engine copies onto the layers below: --link has no effect');
  const from = instruction.kind === 'COPY' ? instruction.from : undefined;
  if (instruction.kind === 'COPY' && instruction.sources.some((s) => /^https?:\/\//.test(s)))
    throw new SlipwayError('invalid-argument', 'copy.remote', "COPY failed: source can't be a URL for COPY", {
      hints: ['ADD fetches from elsewhere'],
    });
  if (from === undefined || from === '') {
    await copyFrom(parts, state, instruction, { kind: 'context', context: parts.request.context, digests: parts.digests });
    return;
  }
  const image = await parts.bases.ofCopy(from, done, state);
  using root = await mountImage(parts, image);
  await copyFrom(parts, state, instruction, { kind: 'stage', root: root.path });
}

async function copyFrom(
  parts: StepParts,
  state: StageState,
  instruction: CopyInstruction | AddInstruction,
  origin: Parameters<typeof planCopy>[1],
): Promise<void> {
  using downloads = new Downloads(parts.env.layout.ingest);
  if (instruction.kind === 'ADD') await downloads.bring(instruction, parts.request.signal);
  const plan = () => planCopy(instruction, origin, downloads.all, state, parts.env.now());
  for (let attempt = 1, planned = plan(); attempt <= MOST_COPIES; attempt++) {
    const containerConfig = withComment(state.config, planned.comment);
    if (fromCache(parts, state, containerConfig)) return;
    const { request, comment } = planned;
    const layer = await parts.images.change(state, (rootfs) => copyStep(rootfs, request));
    // somebody may have edited the context between the sum and the copy
    if (origin.kind === 'stage' || (planned = plan()).comment === comment) {
      parts.images.create({ state, containerConfig, layer });
      return;
    }
  }
  throw new SlipwayError('unavailable', 'copy.changing', `${instruction.kind} failed: its files change while they are copied`, {
    hints: ['build again when nothing writes to the context'],
  });
}

/** Of files that are changed meanwhile. */
const MOST_COPIES = 5;

async function mountImage(parts: StepParts, image: Image | undefined): Promise<MountedRootfs> {
  const { layout, snapshots, images } = parts.env;
  const id = image && image.layers.length > 0 ? await images.snapshot(image, parts.lease) : undefined;
  return openRootfs(layout, id === undefined ? [] : snapshots.view(id));
}
