// BuildKit's services on this engine: Control, and the bridge to frontends that run with the client, as buildx does.
import type { ClientHttp2Session, ServerHttp2Session } from 'node:http2';
import type { Duplex } from 'node:stream';
import {
  type BuildOperation,
  type Caller,
  type CallerOf,
  type Engine,
  type Operation,
  type OperationKind,
  PathSession,
  type Reply,
} from '../engine/index.ts';
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
  type Definition,
  type PruneRequest,
  type SolveRequest,
  valuesOf,
} from '../protocol/index.ts';
import { randomId } from '../util/index.ts';
import { pruneFilter, usageOf, usageRecord } from './cache.ts';
import { grpcError } from './errors.ts';
import { History } from './history.ts';
import { type Asked, understand } from './request.ts';
import { ClientSession } from './session.ts';
import { type RunningSolve, Solves } from './solves.ts';

export interface BuildKitOptions {
  /** Works on an operation, in a process of its own. */
  perform<K extends OperationKind>(operation: Operation<K>, caller: CallerOf<K>): Promise<Reply<K>>;
  /** For what is only read. */
  readonly engine: Engine;
  /** A folder for what a client sends or gets. */
  readonly scratch: string;
  readonly version: string;
  now(): number;
}

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
          return this.#frontend(
            solve,
            {
              ...asked,
              frontend: request.Frontend,
              attributes: { ...request.FrontendOpt },
              ...definitionOf(request.Definition),
              imports: request.CacheImports,
            },
            call.signal,
          );
        },
        return: async (request, call) => {
          const [solve] = await this.#bridged(call);
          const { error, result } = request;
          if (error) solve.returned.resolve({ error: new GrpcError(error.code, error.message, error.details) });
          else solve.returned.resolve(result?.result.case === 'ref' ? { ref: result.result.value.id } : {});
          return {};
        },
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
    const solve = this.#solves.begin(request.Ref, request.Session);
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
          call.signal,
        );
        response = solve.responses.get(result.result.value.id) ?? {};
      } else {
        const { error, ref } = await Promise.race([solve.returned.promise, gone(call.signal)]);
        if (error) throw error;
        response = solve.responses.get(ref ?? '') ?? {};
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
    signal: AbortSignal,
  ) {
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
      caches: {
        ...o.caches,
        from: [...o.caches.from, ...o.imports.map(({ Type, Attrs }) => ({ type: Type, attributes: Attrs })), ...imports],
      },
    });
    const client = await this.#solves.sessions.find(solve.sessionId, signal);
    const caller: Caller = {
      session: new ClientSession({ client, signal, places: understood.places, scratch: this.#o.scratch }),
      signal,
      onEvent: (e) => solve.status.take(e),
    };
    const id = randomId();
    const result = (metadata: Record<string, Uint8Array>) => ({ result: { result: { case: 'ref' as const, value: { id } }, metadata } });
    const asked = o.attributes['requestid'];
    if (asked !== undefined && asked !== '') return result(await this.#subrequest(asked, understood.request, caller));
    const delivered = await this.#o.perform(
      { kind: 'build', request: { ...understood.request, ...solve.nextRef() }, delivery: understood.delivery },
      caller,
    );
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

  /** What is asked about a Dockerfile without building it (frontend/subrequests). */
  async #subrequest(name: string, request: BuildOperation['request'], caller: Caller): Promise<Record<string, Uint8Array>> {
    const json = (value: unknown, text: string): Record<string, Uint8Array> => ({
      'result.json': Buffer.from(JSON.stringify(value)),
      'result.txt': Buffer.from(text),
      version: Buffer.from('1.0.0'),
    });
    switch (name) {
      case 'frontend.lint': {
        const checked = await this.#o.perform({ kind: 'check', request }, caller);
        const warnings = checked.warnings.map((w) => ({
          ruleName: w.rule,
          description: w.description,
          url: w.url,
          detail: w.message,
          location: {
            sourceIndex: Math.max(
              0,
              checked.files.findIndex(({ name: file }) => file === w.source.file),
            ),
            ranges: [{ start: { line: w.source.range.start.line, character: 0 }, end: { line: w.source.range.end.line, character: 0 } }],
          },
        }));
        const lint = {
          warnings,
          sources: checked.files.map((file) => ({
            filename: file.name,
            language: 'Dockerfile',
            data: Buffer.from(file.text).toString('base64'),
          })),
          ...(checked.error && { buildError: { message: checked.error.message, location: { sourceIndex: 0, ranges: [] } } }),
        };
        const text = checked.warnings
          .map((w) => `\nWARNING: ${w.rule} - ${w.url}\n${w.description}\n${w.source.file}:${w.source.range.start.line}\n`)
          .join('');
        return { ...json(lint, text), 'result.statuscode': Buffer.from(checked.warnings.length > 0 || checked.error ? '1' : '0') };
      }
      case 'frontend.outline': {
        const { text: _, ...outline } = await this.#o.perform({ kind: 'outline', request }, caller);
        return json(outline, JSON.stringify(outline));
      }
      case 'frontend.targets': {
        const { targets } = await this.#o.perform({ kind: 'targets', request }, caller);
        return json({ targets }, targets.map((t) => `${t.name ?? ''}${t.default ? ' (default)' : ''}\n`).join(''));
      }
      default:
        throw new SlipwayError('unsupported', 'buildkit.subrequest', `the frontend does not answer ${name}`);
    }
  }
}

function askedOf(request: SolveRequest): Omit<Asked, 'attributes'> {
  const exporters = request.Exporters.map(({ Type, Attrs }) => ({ type: Type, attributes: Attrs }));
  if (exporters.length === 0 && request.ExporterDeprecated !== '')
    exporters.push({ type: request.ExporterDeprecated, attributes: request.ExporterAttrsDeprecated });
  const entries = (list: readonly { readonly Type: string; readonly Attrs: Record<string, string> }[] | undefined) =>
    (list ?? []).map(({ Type, Attrs }) => ({ type: Type, attributes: Attrs }));
  return {
    exporters,
    caches: { from: entries(request.Cache?.Imports), to: entries(request.Cache?.Exports) },
    entitlements: request.Entitlements,
  };
}

function cacheImports({
  'cache-imports': text,
}: Record<string, string>): { readonly Type: string; readonly Attrs?: Record<string, string> }[] {
  if (text === undefined || text === '') return [];
  try {
    return JSON.parse(text) as { Type: string }[];
  } catch (cause) {
    throw new SlipwayError('invalid-argument', 'buildkit.attribute', 'failed to unmarshal cache-imports', { cause });
  }
}

/** A definition without operations is none: the frontend says what to do. */
function definitionOf(d: Definition | undefined): Pick<Asked, 'definition'> {
  if (d === undefined || d.def.length === 0) return {};
  const named = Object.entries(d.metadata).flatMap(([digest, m]) => {
    const name = m.description['llb.customname'];
    return name === undefined ? [] : [[digest, name]];
  });
  const noCache = Object.entries(d.metadata).flatMap(([digest, m]) => (m.ignoreCache ? [digest] : []));
  return { definition: { def: d.def, names: Object.fromEntries(named), noCache } };
}

const gone = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
