// One graph on one builder elsewhere: it goes out as LLB, what it needs is asked back over a session, and its result comes as an archive.
import type { BuildJob } from '../../builder/index.ts';
import { type BuilderEndpoint, SlipwayError } from '../../model/index.ts';
import { BytesPipe, Code, Control, type GrpcClient, GrpcError, type Llb, serverOn } from '../../protocol/index.ts';
import { randomId, sha256Hex } from '../../util/index.ts';
import { openBuilder } from './dial.ts';
import { sessionServices } from './session.ts';
import type { Translation } from './translation.ts';

export interface Solving {
  readonly job: BuildJob;
  readonly llb: Llb;
  /** `docker`: an image; `tar`: the files of the result. */
  readonly exporter: 'docker' | 'tar';
  /** A file, for what the exporter gives. */
  readonly result: string;
  /** Files of other parts, as tars, by the names of the folders that they are. */
  readonly folders: ReadonlyMap<string, string>;
  readonly translation: Translation;
  readonly signal: AbortSignal;
}

/** @throws SlipwayError unavailable `fleet.*` when the builder cannot be reached or is lost; process-failed `build.elsewhere` when the build fails */
export async function solveAt(builder: BuilderEndpoint, o: Solving): Promise<void> {
  const { job, llb, translation } = o;
  const stop = new AbortController();
  const signal = AbortSignal.any([o.signal, stop.signal]);
  const { address } = builder;
  using connection = await openBuilder(builder, { signal, environment: job.environment });
  const { client } = connection;
  try {
    const session = attach(client, o, signal);
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
        Exporters: [{ Type: o.exporter, Attrs: {} }],
        Entitlements: [...job.allow],
      },
      { signal },
    );
    solving.catch(() => {}); // awaited below
    const status = client.open(Control.method.status, { signal });
    await status.send({ Ref });
    status.end();
    try {
      for await (const update of status.replies) translation.take(update);
    } catch (e) {
      await solving; // what failed there says more
      throw e;
    }
    await solving;
  } catch (e) {
    o.signal.throwIfAborted();
    throw e instanceof GrpcError ? asSlipwayError(e, address) : e;
  } finally {
    stop.abort();
  }
}

/** Opens the session of a build. @returns its ID */
function attach(client: GrpcClient, o: Solving, signal: AbortSignal): string {
  const { job } = o;
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
  sessionServices(job, o.result, o.folders).serve(serverOn(pipe));
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
