// Follows one build: its events, and from the graph engine the keys of its steps. What it learns goes to the store at the end;
// at once it tells why a step runs.
import { zstdCompressSync } from 'node:zlib';
import type { Node } from '../../graph/index.ts';
import { isSlipwayError } from '../../model/index.ts';
import { processIdentity } from '../../sys/index.ts';
import { randomId } from '../../util/index.ts';
import type { BuildEvent } from '../events.ts';
import { Explainer, type Explanation } from './explain.ts';
import { LiveFile, removeLiveFiles } from './live.ts';
import { shownOp } from './shown-op.ts';
import type { BuildRecords } from './records.ts';
import { type BuildSummary, summarize } from './summary.ts';
import type { BuildRecord, BuildStatus, StepInput, StepRecord } from './types.ts';

/** Characters of an operation that are kept. */
const LARGEST_OP = 64 << 10;
/** Characters of output that are kept of a build. */
const LARGEST_LOG = 16 << 20;
/** Bytes of a list of files; of more, only that they changed is known. */
const LARGEST_LIST = 32 << 20;

/** ms until others see a build whose steps are all cached so far: most of these have ended by then, and write once. */
const SHOWN_AFTER = 250;

type Draft = { -readonly [K in keyof StepRecord]: StepRecord[K] };

export interface BuildDescription {
  readonly identity: string;
  readonly name: string;
  readonly engine: 'graph' | 'classic';
  readonly target?: string;
  readonly tags: readonly string[];
}

/** What a caller calls its build is taken if it can stand in lists. */
const REF = /^[a-z\d]{16,64}$/i;

export class Recorder {
  readonly ref: string;
  readonly #records: BuildRecords;
  readonly #base: BuildRecord;
  /** Set until others see the build. */
  #begin: NodeJS.Timeout | undefined;
  readonly #steps = new Map<string, Draft>();
  /** In the order in which they were first heard of: so screens number them. */
  readonly #told = new Set<Draft>();
  readonly #lists = new Map<string, Buffer>();
  readonly #pendingLists = new Map<string, { digest: string; pieces: Buffer[] }[]>();
  readonly #skipped: { stage: string; reason: string }[] = [];
  readonly #images = new Set<string>();
  /** What each step wrote, by its name; '' for the original engine, which is one stream. */
  readonly #logs = new Map<string, string[]>();
  readonly #decoders = new Map<string, TextDecoder>();
  #logSize = 0;
  readonly #explainer: Explainer;
  readonly #live = new LiveFile();
  readonly #liveFolder: (() => string) | undefined;

  /** @param liveFolder where others read what happens while the build runs */
  constructor(
    records: BuildRecords,
    { ref = '', ...o }: BuildDescription & { readonly ref?: string },
    now: number,
    liveFolder?: () => string,
  ) {
    this.#liveFolder = liveFolder;
    this.ref = REF.test(ref) ? ref : randomId(13).slice(0, 25);
    this.#records = records;
    this.#explainer = new Explainer(records, o.identity, this.ref);
    this.#base = {
      ref: this.ref,
      ...o,
      status: 'running',
      owner: processIdentity(process.pid),
      startedAt: now,
      images: [],
      skipped: [],
      steps: [],
    };
    this.#begin = setTimeout(() => this.#show(), SHOWN_AFTER).unref();
  }

  /** Lets others see that the build is running. */
  #show(): void {
    if (this.#begin === undefined) return;
    clearTimeout(this.#begin);
    this.#begin = undefined;
    this.#records.begin(this.#base);
    if (this.#liveFolder === undefined) return;
    const folder = this.#liveFolder();
    removeLiveFiles(folder, (ref) => this.#records.isRunning(ref));
    this.#live.open(folder, this.ref);
  }

  /** The steps that there may be, before any of them runs. */
  expect(nodes: readonly Node[]): void {
    this.#live.expect(nodes);
  }

  event(e: BuildEvent): void {
    this.#live.event(e);
    switch (e.type) {
      case 'vertex': {
        // before the step runs: a build that is killed while it does stays in the history
        if (e.state === 'started' && e.inputs.length > 0) this.#show();
        const step = this.#step(e.id, e.name);
        this.#told.add(step);
        step.state = e.state;
        if (e.stage !== undefined) step.stage = e.stage;
        if (step.inputs.length === 0) step.inputs = e.inputs.map((id) => ({ id, name: '', part: '' }));
        if (e.state === 'started') step.startedAt = e.at;
        else if (e.state !== 'cached') step.endedAt = e.at;
        if (e.error !== undefined) step.error = e.error;
        if (e.savedMs !== undefined) step.savedMs = e.savedMs;
        return;
      }
      case 'log':
        return this.#write(`${e.id} ${e.stream}`, this.#steps.get(e.id)?.name ?? '', e.data);
      case 'text':
        return this.#append('', e.text);
      case 'skipped':
        this.#skipped.push({ stage: e.stage, reason: e.reason });
        return;
      case 'image':
        this.#images.add(e.id);
        return;
      case 'progress':
      case 'warning':
      case 'engine':
      case 'summary':
        return;
      default:
        e satisfies never;
    }
  }

  /** What a step is made of. */
  keyed(node: Node, key: string, inputs: readonly StepInput[]): void {
    const step = this.#step(node.digest, node.meta.name);
    step.key = key;
    step.definition = node.definition;
    step.inputs = inputs;
    if (JSON.stringify(node.op).length <= LARGEST_OP) step.op = shownOp(node.op);
  }

  /** Keeps the list that `digest` was made of, until it is known whether the step runs. */
  list(node: Node, digest: string, pieces: Buffer[]): void {
    if (pieces.reduce((n, p) => n + p.length, 0) > LARGEST_LIST) return;
    const of = this.#pendingLists.get(node.digest);
    if (of) of.push({ digest, pieces });
    else this.#pendingLists.set(node.digest, [{ digest, pieces }]);
  }

  /** The step comes from the cache: the list of what it read is known since it ran. */
  unlist(node: Node): void {
    this.#pendingLists.delete(node.digest);
  }

  /** A step runs: why, when an earlier build of this Dockerfile had it. */
  explain(node: Node, asked: string | undefined): Explanation | undefined {
    const pending = this.#pendingLists.get(node.digest) ?? [];
    this.#pendingLists.delete(node.digest);
    for (const { digest, pieces } of pending) {
      if (!this.#lists.has(digest) && !this.#records.has(digest)) this.#lists.set(digest, zstdCompressSync(Buffer.concat(pieces)));
    }
    const step = this.#steps.get(node.digest);
    if (step === undefined) return undefined;
    const below = this.#steps.get(step.inputs[0]?.id ?? '');
    const remade = below?.startedAt !== undefined && below.inputs.length > 0 ? below.name : undefined;
    const kept = new Map(pending.map((p) => [p.digest, p.pieces]));
    const found = this.#explainer.explain({ node, name: step.name, inputs: step.inputs, asked, remade }, kept);
    if (found) step.why = found.why;
    return found;
  }

  /** Writes it all down. */
  finish(now: number, error?: unknown): BuildSummary {
    const status: BuildStatus =
      error === undefined
        ? 'completed'
        : (error as Error).name === 'AbortError' || (isSlipwayError(error) && error.kind === 'cancelled')
          ? 'canceled'
          : 'error';
    clearTimeout(this.#begin);
    this.#begin = undefined;
    const { owner: _, ...base } = this.#base;
    const steps = [...this.#told];
    const record: BuildRecord = {
      ...base,
      status,
      finishedAt: now,
      images: [...this.#images],
      skipped: this.#skipped,
      steps,
      ...(error !== undefined && { error: error instanceof Error ? error.message : String(error) }),
    };
    this.#records.finish(record, [...this.#logs].map(([name, text]) => logSection(name, text.join(''))).join(''), this.#lists);
    this.#live.close();
    return summarize(steps, now - base.startedAt);
  }

  #step(id: string, name: string): Draft {
    let step = this.#steps.get(id);
    if (!step) this.#steps.set(id, (step = { id, name, state: 'started', inputs: [] }));
    return step;
  }

  #write(stream: string, name: string, data: Uint8Array): void {
    let decoder = this.#decoders.get(stream);
    if (!decoder) this.#decoders.set(stream, (decoder = new TextDecoder()));
    this.#append(name, decoder.decode(data, { stream: true }));
  }

  #append(name: string, text: string): void {
    if (this.#logSize > LARGEST_LOG) return;
    this.#logSize += text.length;
    const kept = this.#logSize > LARGEST_LOG ? '\n… what the build wrote beyond this is not kept\n' : text;
    const log = this.#logs.get(name);
    if (log) log.push(kept);
    else this.#logs.set(name, [kept]);
  }
}

function logSection(name: string, text: string): string {
  const body = text === '' || text.endsWith('\n') ? text : `${text}\n`;
  return name === '' ? body : `${name}\n${body}\n`;
}
