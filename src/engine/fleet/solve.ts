// A build on a builder elsewhere: its graph goes out as LLB, what it needs is asked back over a session, and its image comes into the store.
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildEvent, type BuildJob, stepReporter } from '../../builder/index.ts';
import type { Lease } from '../../content/index.ts';
import { type Image, loadArchive } from '../../image/index.ts';
import { type BuilderEndpoint, isSlipwayError, SlipwayError } from '../../model/index.ts';
import { BytesPipe, Code, Control, type GrpcClient, GrpcError, type Llb, serverOn, type StatusResponse } from '../../protocol/index.ts';
import { removeTree } from '../../sys/index.ts';
import { randomId, sha256Hex } from '../../util/index.ts';
import type { Engine } from '../engine.ts';
import { expanded, inOrder } from './address.ts';
import { openBuilder } from './dial.ts';
import { sessionServices } from './session.ts';

/** @throws SlipwayError unavailable `fleet.*` when no builder can be reached or the one that builds is lost; process-failed `build.elsewhere` when the build fails */
export async function solveElsewhere(
  engine: Engine,
  builders: readonly BuilderEndpoint[],
  lease: Lease,
  job: BuildJob,
  llb: Llb,
): Promise<Image> {
  const unreachable: SlipwayError[] = [];
  const all = await expanded(builders);
  for (const builder of inOrder(all, job.identity)) {
    const report = stepReporter(job.onEvent, engine.now, `[internal] solve on builder ${builder.address}`);
    report('started');
    try {
      const image = await solveAt(engine, builder, lease, job, llb);
      report('done');
      return image;
    } catch (e) {
      report('failed', e);
      if (!isSlipwayError(e) || e.kind !== 'unavailable' || !e.code.startsWith('fleet.')) throw e;
      unreachable.push(e);
      job.onEvent({
        type: 'warning',
        message: `${e.message}; ${unreachable.length < all.length ? 'trying the next one' : 'there is no other'}`,
      });
    }
  }
  throw unreachable.at(-1) ?? new SlipwayError('invalid-argument', 'fleet.none', 'no builder is named');
}

async function solveAt(engine: Engine, builder: BuilderEndpoint, lease: Lease, job: BuildJob, llb: Llb): Promise<Image> {
  const stop = new AbortController();
  const signal = AbortSignal.any([job.signal, stop.signal]);
  const { address } = builder;
  using connection = await openBuilder(builder, { signal, environment: job.environment });
  const { client } = connection;
  const folder = mkdtempSync(join(engine.layout.ingest, 'fleet-'));
  const archive = join(folder, 'image.tar');
  try {
    const session = attach(client, job, archive, signal);
    const Ref = randomId();
    const solving = client.unary(
      Control.method.solve,
      {
        Ref,
        Session: session,
        Definition: {
          def: [...llb.def],
          metadata: Object.fromEntries(
            [...new Set([...Object.keys(llb.names), ...llb.noCache])].map((digest) => [
              digest,
              { ignoreCache: llb.noCache.includes(digest), description: { 'llb.customname': llb.names[digest] ?? '' } },
            ]),
          ),
        },
        Exporters: [{ Type: 'docker', Attrs: {} }],
        Entitlements: [...job.allow],
      },
      { signal },
    );
    solving.catch(() => {}); // awaited below
    const events = new Translation(job.onEvent);
    const status = client.open(Control.method.status, { signal });
    await status.send({ Ref });
    status.end();
    try {
      for await (const update of status.replies) events.take(update);
    } catch (e) {
      await solving; // what failed there says more
      throw e;
    }
    await solving;
    const [loaded] = await loadArchive(engine.images, archive, { lease, signal });
    if (loaded === undefined) throw new SlipwayError('data-loss', 'fleet.no-image', `the builder ${address} sent no image`);
    return loaded.image;
  } catch (e) {
    job.signal.throwIfAborted();
    throw e instanceof GrpcError ? asSlipwayError(e, address) : e;
  } finally {
    stop.abort();
    removeTree(folder);
  }
}

/** Opens the session of a build. @returns its ID */
function attach(client: GrpcClient, job: BuildJob, archive: string, signal: AbortSignal): string {
  const id = randomId();
  const call = client.open(Control.method.session, {
    signal,
    metadata: {
      'x-docker-expose-session-uuid': id,
      'x-docker-expose-session-name': job.name.replaceAll(/[^\x20-\x7e]/g, '?'),
      // what a builder keeps of a folder is compared by times and sizes: other projects must not share it
      'x-docker-expose-session-sharedkey': sha256Hex(job.identity),
      'x-docker-expose-session-grpc-method': METHODS,
    },
  });
  const pipe = new BytesPipe(call.replies);
  void (async () => {
    for await (const message of pipe.outgoing()) await call.send(message);
    call.end();
  })().catch(() => {}); // the solve fails with it
  sessionServices(job, archive).serve(serverOn(pipe));
  return id;
}

/** What the session answers: builders ask no more than that. */
const METHODS = [
  '/grpc.health.v1.Health/Check',
  '/moby.filesync.v1.FileSync/DiffCopy',
  '/moby.filesync.v1.FileSend/DiffCopy',
  '/moby.filesync.v1.Auth/Credentials',
  '/moby.buildkit.secrets.v1.Secrets/GetSecret',
  '/moby.sshforward.v1.SSH/CheckAgent',
  '/moby.sshforward.v1.SSH/ForwardAgent',
];

function asSlipwayError(e: GrpcError, address: string): SlipwayError {
  const lost = e.code === Code.unavailable || /stream was closed|connection was closed|call was closed/.test(e.message);
  if (lost) return new SlipwayError('unavailable', 'fleet.lost', `the builder ${address} was lost: ${e.message}`, { cause: e });
  return new SlipwayError('process-failed', 'build.elsewhere', e.message, { cause: e });
}

/** The progress of the other side as events of this build. */
class Translation {
  readonly #onEvent: (e: BuildEvent) => void;
  readonly #states = new Map<string, string>();

  constructor(onEvent: (e: BuildEvent) => void) {
    this.#onEvent = onEvent;
  }

  take({ vertexes, statuses, logs, warnings }: StatusResponse): void {
    for (const v of vertexes) {
      if (v.started === undefined) continue;
      const state =
        v.completed === undefined
          ? 'started'
          : v.error !== ''
            ? /cancell?ed/.test(v.error)
              ? 'cancelled'
              : 'failed'
            : v.cached
              ? 'cached'
              : 'done';
      const before = this.#states.get(v.digest);
      if (before === state) continue;
      const tell = (told: typeof state | 'started', at: typeof v.started): void => {
        this.#states.set(v.digest, told);
        this.#onEvent({
          type: 'vertex',
          id: v.digest,
          name: v.name,
          inputs: v.inputs,
          state: told,
          at: ms(at),
          ...(v.error !== '' && { error: v.error }),
        });
      };
      if (before === undefined && state !== 'started' && state !== 'cached') tell('started', v.started);
      tell(state, v.completed ?? v.started);
    }
    for (const l of logs)
      this.#onEvent({ type: 'log', id: l.vertex, stream: l.stream === 2n ? 'stderr' : 'stdout', data: l.msg, at: ms(l.timestamp) });
    for (const s of statuses)
      this.#onEvent({
        type: 'progress',
        id: s.vertex,
        name: s.name || s.ID,
        current: Number(s.current),
        total: Number(s.total),
        done: s.completed !== undefined,
      });
    for (const w of warnings) this.#onEvent({ type: 'warning', message: Buffer.from(w.short).toString() });
  }
}

const ms = (t: { readonly seconds: bigint; readonly nanos: number } | undefined): number =>
  t === undefined ? 0 : Number(t.seconds) * 1000 + Math.trunc(t.nanos / 1e6);
