// Builds on record as BuildKit's clients see them: those that this server is asked for, as they begin and end, and all that the store has.
import { buildHistory, type Engine, type ShownBuild } from '../engine/index.ts';
import { SlipwayError } from '../model/index.ts';
import { type BuildHistoryRequest, BuildHistoryEventType, type GrpcError, type SolveRequest } from '../protocol/index.ts';
import { type Fields, parseFilters } from './filters.ts';
import { digestOf, timeOf } from './status.ts';

const FIELDS = ['ref', 'status', 'repository', 'startedAt', 'completedAt', 'duration'];

/** Of ended builds, what the store does not keep: how the client asked for them. */
const KEPT = 100;

interface Asked {
  readonly request: SolveRequest;
  readonly createdAt: number;
  ended?: { readonly at: number; readonly error?: GrpcError; readonly response: Record<string, string> };
}

/** An event for a client. */
interface Event {
  readonly type: BuildHistoryEventType;
  readonly record: ReturnType<typeof recordOf>;
}

export class History {
  readonly #engine: Engine;
  readonly #now: () => number;
  readonly #asked = new Map<string, Asked>();
  readonly #listeners = new Set<(e: Event) => void>();

  constructor(engine: Engine, now: () => number) {
    this.#engine = engine;
    this.#now = now;
  }

  begin(request: SolveRequest): void {
    // a probe of what the server can do is no build
    if (request.Internal) return;
    const asked: Asked = { request, createdAt: this.#now() };
    this.#asked.set(request.Ref, asked);
    for (const [ref, { ended }] of this.#asked) {
      if (this.#asked.size <= KEPT) break;
      if (ended) this.#asked.delete(ref);
    }
    this.#tell(BuildHistoryEventType.STARTED, recordOf(request.Ref, asked, undefined));
  }

  async end(ref: string, response: Record<string, string>, error?: GrpcError): Promise<void> {
    const asked = this.#asked.get(ref);
    if (asked === undefined) return;
    asked.ended = { at: this.#now(), response, ...(error && { error }) };
    this.#tell(BuildHistoryEventType.COMPLETE, recordOf(ref, asked, (await this.#stored()).get(ref)));
  }

  /** The newest first, then what happens, until the client goes. */
  async *listen(o: BuildHistoryRequest, signal: AbortSignal): AsyncGenerator<Event> {
    const wanted = parseFilters(o.Filter, FIELDS);
    const meant = ({ record, type }: Event): boolean =>
      (o.Ref === '' || record.Ref === o.Ref) && (!o.ActiveOnly || type !== BuildHistoryEventType.COMPLETE) && wanted(fieldsOf(record));
    const queue: Event[] = [];
    let wake = (): void => {};
    const take = (e: Event): void => {
      queue.push(e);
      wake();
    };
    this.#listeners.add(take);
    const stop = (): void => wake();
    signal.addEventListener('abort', stop);
    try {
      const there = (await this.#all()).filter(meant);
      yield* o.Limit > 0 ? there.slice(0, o.Limit) : there;
      while (!o.EarlyExit && !signal.aborted) {
        const next = queue.shift();
        if (next === undefined) await new Promise<void>((resolve) => (wake = resolve));
        else if (meant(next)) yield next;
      }
    } finally {
      this.#listeners.delete(take);
      signal.removeEventListener('abort', stop);
    }
  }

  /** @throws SlipwayError not-found `buildkit.no-build`; conflict `buildkit.running` */
  async remove(ref: string): Promise<void> {
    const asked = this.#asked.get(ref);
    if (asked && !asked.ended) throw new SlipwayError('conflict', 'buildkit.running', `build ${ref} is running`);
    const stored = (await this.#stored()).get(ref);
    if (asked === undefined && stored === undefined) throw new SlipwayError('not-found', 'buildkit.no-build', `no build ${ref}`);
    this.#asked.delete(ref);
    (await buildHistory(this.#engine, this.#now())).remove([ref]);
    this.#tell(BuildHistoryEventType.DELETED, recordOf(ref, asked, stored));
  }

  /** The steps and the output of a build on record; undefined where there is none. */
  async progress(ref: string) {
    const found = (await this.#stored()).get(ref);
    if (found === undefined) return undefined;
    const { steps, startedAt } = found.record;
    const log = (await buildHistory(this.#engine, this.#now())).log(ref);
    const ids = new Map(steps.map((s) => [s.name, digestOf(s.id)]));
    const logs: { vertex: string; timestamp: ReturnType<typeof timeOf>; stream: bigint; msg: Uint8Array }[] = [];
    let vertex: string | undefined;
    // sections that begin with the name of a step, as `builder history logs` shows them
    for (const line of log.split(/(?<=\n)/)) {
      const next = ids.get(line.slice(0, -1));
      if (next !== undefined) vertex = next;
      else if (vertex !== undefined && line !== '\n')
        logs.push({ vertex, timestamp: timeOf(startedAt), stream: 1n, msg: Uint8Array.from(Buffer.from(line)) });
    }
    return {
      vertexes: steps.map((s) => ({
        digest: digestOf(s.id),
        inputs: s.inputs.map((i) => digestOf(i.id)),
        name: s.name,
        cached: s.state === 'cached',
        started: timeOf(s.startedAt ?? startedAt),
        ...(s.state !== 'started' && { completed: timeOf(s.endedAt ?? s.startedAt ?? startedAt) }),
        ...(s.error !== undefined && { error: s.error }),
      })),
      logs,
    };
  }

  async #all(): Promise<Event[]> {
    const stored = await this.#stored();
    const refs = new Set([...this.#asked.keys(), ...stored.keys()]);
    return [...refs]
      .map((ref) => recordOf(ref, this.#asked.get(ref), stored.get(ref)))
      .sort((a, b) => Number(b.CreatedAt.seconds - a.CreatedAt.seconds) || b.CreatedAt.nanos - a.CreatedAt.nanos)
      .map((record) => ({
        type: record.CompletedAt === undefined ? BuildHistoryEventType.STARTED : BuildHistoryEventType.COMPLETE,
        record,
      }));
  }

  async #stored(): Promise<ReadonlyMap<string, ShownBuild>> {
    return new Map((await buildHistory(this.#engine, this.#now())).list().map((one) => [one.record.ref, one]));
  }

  #tell(type: BuildHistoryEventType, record: Event['record']): void {
    for (const tell of this.#listeners) tell({ type, record });
  }
}

/** One of both is there. */
function recordOf(ref: string, asked: Asked | undefined, stored: ShownBuild | undefined) {
  const attributes: Record<string, string> = asked?.request.FrontendAttrs ?? attributesOf(stored);
  const record = stored?.record;
  const steps = record?.steps ?? [];
  const createdAt = asked?.createdAt ?? record?.startedAt ?? 0;
  const finished = asked ? asked.ended?.at : record?.status === 'running' ? undefined : (record?.finishedAt ?? createdAt);
  const error = asked ? asked.ended?.error : record?.status === 'completed' ? undefined : { code: 2, message: record?.error ?? 'canceled' };
  return {
    Ref: ref,
    Frontend: asked?.request.Frontend ?? 'dockerfile.v0',
    FrontendAttrs: attributes,
    Exporters: asked?.request.Exporters.map(({ Type, Attrs }) => ({ Type, Attrs })) ?? [],
    CreatedAt: timeOf(createdAt),
    ...(finished !== undefined && { CompletedAt: timeOf(finished) }),
    ...(finished !== undefined && error && { error: { code: error.code, message: error.message } }),
    ExporterResponse: { ...asked?.ended?.response },
    numTotalSteps: steps.length,
    numCachedSteps: steps.filter((s) => s.state === 'cached').length,
    numCompletedSteps: steps.filter((s) => s.state === 'cached' || s.state === 'done').length,
  };
}

/** Of a build of which only the record is there: by a build argument clients take the name for their lists. */
const attributesOf = (stored: ShownBuild | undefined): Record<string, string> => ({
  ...(stored?.record.target !== undefined && { target: stored.record.target }),
  'build-arg:BUILDKIT_BUILD_NAME': stored?.record.name ?? '',
});

function fieldsOf(r: Event['record']): Fields {
  const ms = (t: { seconds: bigint; nanos: number }): number => Number(t.seconds) * 1000 + t.nanos / 1e6;
  const done = r.CompletedAt;
  return {
    ref: r.Ref,
    status: done === undefined ? 'running' : r.error ? (/cancell?ed/.test(r.error.message) ? 'canceled' : 'error') : 'completed',
    repository: r.FrontendAttrs['vcs:source'] ?? r.FrontendAttrs['context'] ?? '',
    startedAt: ms(r.CreatedAt),
    completedAt: done ? ms(done) : 0,
    duration: done ? ms(done) - ms(r.CreatedAt) : 0,
  };
}
