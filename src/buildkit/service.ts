// BuildKit's services on this engine: Control, and the bridge to frontends that run with the client, as buildx does.
import type { ClientHttp2Session, ServerHttp2Session } from 'node:http2';
import type { Duplex } from 'node:stream';
import { type Caller, PathSession } from '../engine/index.ts';
import { hostPlatform, type Session, SlipwayError } from '../model/index.ts';
import {
  BytesPipe,
  type Call,
  clientOn,
  Code,
  Control,
  GrpcClient,
  GrpcError,
  GrpcServer,
  LLBBridge,
  serverOn,
  type PruneRequest,
  type SolveRequest,
  valuesOf,
} from '../protocol/index.ts';
import { randomId } from '../util/index.ts';
import { askedOf, cacheImports, definitionOf, returnedOf } from './asked.ts';
import { type BridgeAccess, reading } from './bridge.ts';
import { pruneFilter, usageOf, usageRecord } from './cache.ts';
import { grpcError } from './errors.ts';
import { History } from './history.ts';
import { type Asked, understand } from './request.ts';
import type { BuildKitOptions } from './options.ts';
import { ClientSession } from './session.ts';
import { type RunningSolve, Solves } from './solves.ts';
import { subrequest } from './subrequests.ts';

/** The release whose protocol this is. */
const PROTOCOL = 'v0.25.2';
const WORKER = 'slipway';
/** What frontends may use of the bridge (frontend/gateway/pb/caps.go). */
const CAPS = [
  'solve.base',
  'solve.inlinereturn',
  'return',
  'returnmap',
  'proto.refarray',
  'reference.output',
  'frontend.caps',
  'gateway.solve.metadata',
  'importcaches',
  'resolveimage',
  'resolveimage.resolvemode',
  'source.metaresolver',
  'readfile',
  'readdir',
  'statfile',
  'gateway.solve.evaluate',
  'gateway.evaluate',
];
const FRONTENDS = new Set(['dockerfile.v0', 'gateway.v0']);
/** Images of the frontend for Dockerfiles, which is built in here. */
const DOCKERFILE_FRONTEND = /^(?:docker\.io\/)?docker\/dockerfile(?:-upstream)?(?:[:@].*)?$/;

export class BuildKitService {
  readonly #o: BuildKitOptions;
  readonly #server: GrpcServer;
  readonly #solves: Solves;
  readonly #history: History;

  constructor(o: BuildKitOptions) {
    this.#o = o;
    this.#solves = new Solves(o.now);
    this.#history = new History(o.engine, o.now);
    this.#server = new GrpcServer({ status: grpcError })
      .add(Control, {
        info: async () => ({ buildkitVersion: this.#buildkitVersion }),
        listWorkers: async () => ({ record: [this.#worker] }),
        session: (incoming, call) => this.#session(incoming, call),
        solve: (request, call) => this.#solve(request, call),
        status: (request, call) => this.#status(request.Ref, call),
        diskUsage: async ({ filter, ageLimit }) => ({ record: usageOf(o.engine, filter, ageLimit, o.now()) }),
        prune: (request, call) => this.#prune(request, call),
        listenBuildHistory: (request, call) => {
          call.begin();
          return this.#history.listen(request, call.signal);
        },
        updateBuildHistory: async (request) => {
          if (request.Pinned) throw new SlipwayError('unsupported', 'buildkit.pin', 'builds on record cannot be pinned');
          if (request.Delete) await this.#history.remove(request.Ref);
          return {};
        },
      })
      .add(LLBBridge, {
        ping: async () => ({
          FrontendAPICaps: CAPS.map((ID) => ({ ID, Enabled: true })),
          LLBCaps: [],
          Workers: [this.#worker],
        }),
        solve: async (request, call) => {
          const [solve, asked] = await this.#bridged(call);
          const wanted = {
            ...asked,
            frontend: request.Frontend,
            attributes: { ...request.FrontendOpt },
            ...definitionOf(request.Definition),
            imports: request.CacheImports,
          };
          // of a graph the frontend may want to see the files before it chooses what becomes the result
          return this.#frontend(solve, wanted, { signal: call.signal, later: wanted.definition !== undefined });
        },
        return: async ({ error, result }, call) => {
          const [solve] = await this.#bridged(call);
          if (error) solve.returned.resolve({ error: new GrpcError(error.code, error.message, error.details) });
          else solve.returned.resolve(returnedOf(result));
          return {};
        },
        ...reading(o, this.#access),
        warn: async () => ({}),
      });
  }

  /** Serves a connection that speaks HTTP/2 from its first byte. */
  serve(stream: Duplex): ServerHttp2Session {
    const session = serverOn(stream);
    this.#server.serve(session);
    return session;
  }

  /** Takes the session of a client whose own end is the server on this connection, until that closes. */
  attach(id: string, stream: Duplex): ClientHttp2Session {
    const client = new GrpcClient(clientOn(stream));
    this.#solves.sessions.add(id, client);
    client.session.on('close', () => this.#solves.sessions.remove(id, client));
    return client.session;
  }

  /** What the client of a session is asked by. @throws GrpcError when there is none of this ID */
  async session(id: string, signal: AbortSignal): Promise<Session> {
    const client = await this.#solves.sessions.find(id, signal);
    return new ClientSession({ client, signal, places: new Map(), scratch: this.#o.scratch });
  }

  get #buildkitVersion(): { package: string; version: string; revision: string } {
    return { package: 'slipway', version: PROTOCOL, revision: this.#o.version };
  }

  get #worker() {
    const { os: OS, architecture: Architecture, variant: Variant = '' } = hostPlatform();
    return {
      ID: WORKER,
      Labels: { 'org.mobyproject.buildkit.worker.executor': 'oci', 'org.mobyproject.buildkit.worker.snapshotter': 'slipway' },
      platforms: [{ OS, Architecture, Variant }],
      BuildkitVersion: this.#buildkitVersion,
    };
  }

  async *#session(incoming: AsyncIterable<{ readonly data: Uint8Array }>, call: Call): AsyncGenerator<{ data: Uint8Array }> {
    const [id] = valuesOf(call.headers, 'x-docker-expose-session-uuid');
    if (id === undefined) throw new GrpcError(Code.invalidArgument, 'the session has no id');
    call.begin();
    const pipe = new BytesPipe(incoming);
    this.attach(id, pipe);
    yield* pipe.outgoing();
  }

  async *#prune(request: PruneRequest, { signal }: Call): AsyncGenerator<ReturnType<typeof usageRecord>> {
    const filter = pruneFilter(this.#o.engine, request, this.#o.now());
    if (filter === undefined) return;
    const { removed } = await this.#o.perform({ kind: 'prune-cache', filter }, { session: new PathSession({}), signal, onEvent: () => {} });
    yield* removed.map(usageRecord);
  }

  async *#status(ref: string, call: Call) {
    const recorded = this.#solves.all.has(ref) ? undefined : await this.#history.progress(ref);
    if (recorded !== undefined) {
      yield recorded;
      return;
    }
    const solve = await this.#solves.all.find(ref, call.signal);
    call.begin({ 'buildkit-current-timestamp': new Date(this.#o.now()).toISOString() });
    yield* solve.status.updates(call.signal);
  }

  async #solve(request: SolveRequest, call: Call) {
    const solve = this.#solves.begin(request.Ref, request.Session, call.signal);
    this.#requests.set(solve, request);
    this.#history.begin(request);
    let failure: GrpcError | undefined;
    let response: Record<string, string> = {};
    try {
      if (request.Frontend !== '' || (request.Definition?.def.length ?? 0) > 0) {
        const { result } = await this.#frontend(
          solve,
          {
            ...askedOf(request),
            frontend: request.Frontend,
            attributes: { ...request.FrontendAttrs },
            ...definitionOf(request.Definition),
            imports: [],
          },
          { signal: call.signal, later: false },
        );
        response = solve.responses.get(result.result.value.id) ?? {};
      } else {
        const { error, ref = '', config } = await Promise.race([solve.returned.promise, gone(call.signal)]);
        if (error) throw error;
        response = solve.responses.get(ref) ?? (await solve.refs.get(ref)?.deliver?.(config)) ?? {};
      }
      return { ExporterResponse: response };
    } catch (e) {
      failure = grpcError(e);
      throw failure;
    } finally {
      this.#solves.end(request.Ref, solve);
      await this.#history.end(request.Ref, response, failure);
    }
  }

  readonly #requests = new WeakMap<RunningSolve, SolveRequest>();

  /** The solve that a call of a frontend belongs to. */
  async #bridged(call: Call): Promise<[RunningSolve, Omit<Asked, 'attributes'>]> {
    const [ref = ''] = valuesOf(call.headers, 'buildkit-controlapi-buildid');
    const solve = await this.#solves.all.find(ref, call.signal);
    return [solve, askedOf(this.#requests.get(solve) as SolveRequest)];
  }

  async #frontend(
    solve: RunningSolve,
    o: Omit<Asked, 'attributes'> & {
      readonly frontend: string;
      readonly attributes: Record<string, string>;
      readonly imports: readonly { readonly Type: string; readonly Attrs: Record<string, string> }[];
    },
    { signal, later }: { readonly signal: AbortSignal; /** What becomes of it is not known yet. */ readonly later: boolean },
  ): Promise<FrontendReply> {
    if (o.definition === undefined && !FRONTENDS.has(o.frontend))
      throw new SlipwayError('unsupported', 'buildkit.frontend', `frontend ${o.frontend} cannot be run`, {
        hints: ['the frontend dockerfile.v0 is built in'],
      });
    const { source } = o.attributes;
    if (o.frontend === 'gateway.v0' && !DOCKERFILE_FRONTEND.test(source ?? ''))
      throw new SlipwayError(
        'unsupported',
        'buildkit.frontend',
        `frontend ${source ?? ''} cannot be run: only docker/dockerfile is supported`,
      );
    const imports = cacheImports(o.attributes).map(({ Type, Attrs }) => ({ type: Type, attributes: Attrs ?? {} }));
    const understood = understand({
      ...o,
      ...(later && { exporters: [] }),
      caches: {
        to: later ? [] : o.caches.to,
        from: [...o.caches.from, ...o.imports.map(({ Type, Attrs }) => ({ type: Type, attributes: Attrs })), ...imports],
      },
    });
    const client = await this.#solves.sessions.find(solve.sessionId, signal);
    const caller: Caller = {
      session: new ClientSession({ client, signal: solve.signal, places: understood.places, scratch: this.#o.scratch }),
      // a call of a frontend ends before the build that it is of
      signal: AbortSignal.any([signal, solve.signal]),
      onEvent: (e) => solve.status.take(e),
    };
    const id = randomId();
    const deliver = async (config: Uint8Array | undefined): Promise<Record<string, string>> => {
      const exporters = o.exporters.map((e) => ({
        ...e,
        attributes: { ...e.attributes, ...(config && { 'containerimage.config': Buffer.from(config).toString() }) },
      }));
      const { result: last } = await this.#frontend(solve, { ...o, exporters }, { signal: solve.signal, later: false });
      return solve.responses.get(last.result.value.id) ?? {};
    };
    const result = (metadata: Record<string, Uint8Array>) => ({ result: { result: { case: 'ref' as const, value: { id } }, metadata } });
    const asked = o.attributes['requestid'];
    if (asked !== undefined && asked !== '') return result(await subrequest(this.#o.perform, asked, understood.request, caller));
    const delivered = await this.#o.perform(
      { kind: 'build', request: { ...understood.request, ...solve.nextRef() }, delivery: understood.delivery },
      caller,
    );
    solve.refs.set(id, { request: understood.request, caller, ...(later && { deliver }) });
    if (later) return result({});
    const { imageId, descriptor } = delivered;
    const names = understood.delivery.outputs.flatMap((out) => ('names' in out ? out.names : []));
    solve.responses.set(id, {
      'containerimage.config.digest': imageId,
      // an image that lies in the store alone goes by its ID, as with dockerd: compose tells by it whether a container is of another one
      ...(understood.delivery.outputs.some((out) => out.kind === 'image') && { 'containerimage.digest': imageId }),
      ...(descriptor && {
        'containerimage.digest': descriptor.digest,
        'containerimage.descriptor': Buffer.from(JSON.stringify(descriptor)).toString('base64'),
      }),
      ...(names.length > 0 && { 'image.name': names.join(',') }),
    });
    return result({});
  }

  get #access(): BridgeAccess {
    return {
      ref: async (id, call) => {
        const [solve] = await this.#bridged(call);
        const found = solve.refs.get(id);
        if (found === undefined) throw new GrpcError(Code.notFound, `no such reference ${id}`);
        return found;
      },
      nothing: async (call) => {
        const [solve, asked] = await this.#bridged(call);
        const client = await this.#solves.sessions.find(solve.sessionId, call.signal);
        const { request, places } = understand({
          ...asked,
          exporters: [],
          attributes: {},
          definition: { def: [], names: {}, noCache: [] },
        });
        const session = new ClientSession({ client, signal: call.signal, places, scratch: this.#o.scratch });
        return { request, caller: { session, signal: call.signal, onEvent: () => {} } };
      },
    };
  }
}

type FrontendReply = {
  readonly result: {
    readonly result: { readonly case: 'ref'; readonly value: { readonly id: string } };
    readonly metadata: Record<string, Uint8Array>;
  };
};

const gone = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
