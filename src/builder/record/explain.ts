// Why a step runs although an earlier build of the same Dockerfile had it: what is different since then, in people's words.
import type { ExecOp, FileOp, Node, Op } from '../../graph/index.ts';
import { compareLists, type FileChange } from './content-list.ts';
import type { BuildRecords } from './records.ts';
import type { BuildRecord, StepInput, StepRecord } from './types.ts';

/** A step that is about to run. */
export interface StepNow {
  readonly node: Node;
  readonly name: string;
  readonly inputs: readonly StepInput[];
  /** What was asked for that makes it run in any case: `--no-cache`. */
  readonly asked: string | undefined;
  /** The step that it stands on, when that ran too. */
  readonly remade: string | undefined;
}

export interface Explanation {
  /** One line. */
  readonly reason: string;
  /** All of it, one difference each. */
  readonly why: readonly string[];
}

/** Earlier builds that are looked into for a step. */
const LOOKED_INTO = 10;

/** Knows the earlier builds of one Dockerfile. */
export class Explainer {
  readonly #records: BuildRecords;
  readonly #identity: string;
  readonly #self: string | undefined;
  #earlier: EarlierSteps[] | undefined;

  /** @param self the ref of the build that asks, which is no earlier one */
  constructor(records: BuildRecords, identity: string, self?: string) {
    this.#records = records;
    this.#identity = identity;
    this.#self = self;
  }

  /** undefined when no earlier build had the step. @param lists files that were listed just now, by digest */
  explain(now: StepNow, lists: ReadonlyMap<string, readonly Buffer[]>): Explanation | undefined {
    const before = this.#before(now.name);
    if (before === undefined) return undefined;
    return explain(now, before, (digest) => {
      const pieces = lists.get(digest);
      return pieces ? Buffer.concat(pieces) : this.#records.list(digest);
    });
  }

  /** The newest earlier build that ran or used this step. */
  #before(name: string): StepRecord | undefined {
    this.#earlier ??= this.#records
      .all({ identity: this.#identity, limit: LOOKED_INTO })
      .filter((r) => r.ref !== this.#self)
      .map((r) => new EarlierSteps(r));
    for (const steps of this.#earlier) {
      const found = steps.counterpart(name);
      if (found) return found;
    }
    return undefined;
  }
}

/** The steps of an earlier build, by what their names say: a build may have thousands, and each is asked for. */
class EarlierSteps {
  readonly #record: BuildRecord;
  #byName: ReadonlyMap<string, StepRecord> | undefined;

  constructor(record: BuildRecord) {
    this.#record = record;
  }

  /** The step that one of now corresponds to: with the same instruction, else at the same place of its stage. */
  counterpart(name: string): StepRecord | undefined {
    this.#byName ??= this.#index();
    for (const key of keysOf(name)) {
      const found = this.#byName.get(key);
      if (found) return found;
    }
    return undefined;
  }

  #index(): Map<string, StepRecord> {
    const steps = new Map<string, StepRecord>();
    for (const step of this.#record.steps) {
      if (step.key === undefined || (step.state !== 'done' && step.state !== 'cached')) continue;
      for (const key of keysOf(step.name)) if (!steps.has(key)) steps.set(key, step);
    }
    return steps;
  }
}

/** What a step is found by, the most telling first. */
function keysOf(name: string): string[] {
  const { stage, place, text } = nameParts(name);
  return [
    [stage, place, text],
    [stage, '', text],
    [stage, place, ''],
  ].map((parts) => parts.join('\0'));
}

/** @param listOf the files that a digest stands for, if they are kept */
function explain(now: StepNow, before: StepRecord, listOf: (digest: string) => Buffer | undefined): Explanation {
  const why: string[] = [];
  if (now.asked !== undefined) why.push(`it was asked to: ${now.asked}`);
  if (now.node.definition !== before.definition) why.push(...operationChanges(before, now));
  const changed = now.inputs.flatMap((input, i) => {
    const old = before.inputs[i];
    return old === undefined || old.part === input.part ? [] : inputChanges(now, old, input, i, listOf);
  });
  why.push(...changed);
  if (why.length === 0 && now.remade !== undefined) why.push(`what it stands on was made anew: ${now.remade}`);
  if (why.length === 0) why.push('its result is no longer in the cache: it was pruned or gave way to newer ones');
  const [first = ''] = why;
  return { reason: why.length === 1 ? first : `${first} (and ${why.length - 1} more)`, why };
}

function nameParts(name: string): { stage: string; place: string; text: string } {
  const match = /^\[(?:(.*) )?(\d+)\/\d+\] (.*)$/s.exec(name);
  return match ? { stage: match[1] ?? '', place: match[2] ?? '', text: match[3] ?? '' } : { stage: '', place: '', text: name };
}

function operationChanges(before: StepRecord, now: StepNow): string[] {
  const was = before.op;
  const { op } = now.node;
  const changes: string[] = [];
  if (was?.kind === 'exec' && op.kind === 'exec') changes.push(...execChanges(was, op));
  else if (was?.kind === 'file' && op.kind === 'file') changes.push(...fileChanges(was, op));
  const [old, text] = [nameParts(before.name).text, nameParts(now.name).text];
  // names show values: a command that is written as before was not changed by that of a variable in its name
  const asBefore = was?.kind === 'exec' && op.kind === 'exec' && changes.length > 0 && JSON.stringify(was.args) === JSON.stringify(op.args);
  if (old !== text && !asBefore) changes.unshift(`the instruction changed: ${old} → ${text}`);
  return changes.length > 0 ? changes : ['what the instruction does changed'];
}

function execChanges(was: ExecOp, op: ExecOp): string[] {
  const changes = environmentChanges(was.env, op.env);
  const differs = (key: keyof ExecOp): boolean => JSON.stringify(was[key]) !== JSON.stringify(op[key]);
  const told = (key: keyof ExecOp, what: string): void => {
    if (differs(key)) changes.push(`${what} changed: ${shown(was[key])} → ${shown(op[key])}`);
  };
  if (differs('args') && was.args.slice(0, -1).join('\0') !== op.args.slice(0, -1).join('\0')) told('args', 'the command or its shell');
  told('cwd', 'the working directory');
  told('user', 'the user');
  told('network', 'the network mode');
  told('security', 'the security mode');
  told('addHosts', '--add-host');
  told('shmSize', '--shm-size');
  told('ulimits', '--ulimit');
  if (differs('script')) changes.push('the text of the heredoc changed');
  if (differs('mounts')) changes.push(...mountChanges(was, op));
  if (changes.length === 0 && differs('args')) changes.push(`the command changed: ${was.args.at(-1)} → ${op.args.at(-1)}`);
  return changes;
}

function mountChanges(was: ExecOp, op: ExecOp): string[] {
  const ids = (o: ExecOp, type: string): string =>
    o.mounts
      .filter((m) => m.type === type)
      .map((m) => m.id ?? '')
      .sort()
      .join(', ');
  const changes = (['secret', 'ssh', 'cache'] as const)
    .filter((type) => ids(was, type) !== ids(op, type))
    .map((type) => `the ids of its ${type} mounts changed: ${ids(was, type) || 'none'} → ${ids(op, type) || 'none'}`);
  const contents = (o: ExecOp): Map<string, string | undefined> =>
    new Map(o.mounts.flatMap((m) => (m.type === 'secret' ? [[m.id ?? '', m.content]] : [])));
  const before = contents(was);
  for (const [id, content] of contents(op)) {
    const old = before.get(id);
    if (!before.has(id) || old === content) continue;
    changes.push(
      old === undefined
        ? `the content of secret ${id} counts now`
        : content === undefined
          ? `the content of secret ${id} no longer counts`
          : `the content of secret ${id} changed`,
    );
  }
  return changes.length > 0 ? changes : ['the options of its mounts changed'];
}

/** Build arguments and environment reach a step in the same way. */
function environmentChanges(was: readonly string[], is: readonly string[]): string[] {
  const map = (env: readonly string[]): Map<string, string> =>
    new Map(env.map((e) => [e.slice(0, e.indexOf('=')), e.slice(e.indexOf('=') + 1)]));
  const [old, now] = [map(was), map(is)];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((name) => {
    const [a, b] = [old.get(name), now.get(name)];
    if (a === b) return [];
    return [
      `the build argument or variable ${name} changed: ${a === undefined ? 'unset' : shown(a)} → ${b === undefined ? 'unset' : shown(b)}`,
    ];
  });
}

function fileChanges(was: FileOp, op: FileOp): string[] {
  const changes: string[] = [];
  op.actions.forEach((action, i) => {
    const old = was.actions[i];
    if (old === undefined || JSON.stringify(old) === JSON.stringify(action)) return;
    if (old.action !== 'copy' || action.action !== 'copy') {
      changes.push('the directory or its owner changed');
      return;
    }
    const keys = ['sources', 'destination', 'workdir', 'chown', 'chmod', 'parents', 'link', 'excludes', 'unpack', 'from'] as const;
    for (const key of keys) {
      if (JSON.stringify(old[key]) !== JSON.stringify(action[key]))
        changes.push(`${key} changed: ${shown(old[key])} → ${shown(action[key])}`);
    }
    if (JSON.stringify(old.files) !== JSON.stringify(action.files)) changes.push('the text of a heredoc changed');
  });
  return changes;
}

function inputChanges(
  now: StepNow,
  old: StepInput,
  input: StepInput,
  index: number,
  listOf: (digest: string) => Buffer | undefined,
): string[] {
  if (input.part.startsWith('content:')) return contentChanges(now.node.op, old, input, index, listOf);
  const image = /^image:(sha256:[0-9a-f]{12})/.exec(input.part)?.[1];
  const oldImage = /^image:(sha256:[0-9a-f]{12})/.exec(old.part)?.[1];
  if (image !== undefined)
    return [`the base image changed: ${input.name.replace(/^.*FROM /, '')} (${oldImage ?? 'another base'} → ${image})`];
  return [`what it stands on changed: ${input.name}`];
}

function contentChanges(op: Op, old: StepInput, input: StepInput, index: number, listOf: (digest: string) => Buffer | undefined): string[] {
  const what = input.name.includes('load build context') ? '' : ` (of ${input.name})`;
  const digests = (part: string): string[] =>
    part
      .slice('content:'.length)
      .split('+')
      .filter((d) => d !== '');
  const [before, after] = [digests(old.part), digests(input.part)];
  const readers: (readonly string[])[] =
    op.kind === 'file'
      ? op.actions.flatMap((a) => (a.action === 'copy' && a.input === index ? [a.sources] : []))
      : op.kind === 'exec'
        ? op.mounts.flatMap((m) => (m.input === index ? [[m.selector ?? '/']] : []))
        : [];
  const lines = after.flatMap((digest, i) => {
    const was = before[i];
    if (was === digest) return [];
    const [listed, lists] = [was === undefined ? undefined : listOf(was), listOf(digest)];
    if (listed === undefined || lists === undefined) return [`what it reads changed${what}; which files, is not kept`];
    return compareLists(listed, lists, readers[i] ?? []).map((c) => `${describe(c)}${what}`);
  });
  return lines.length > 0 ? lines : [`what it reads changed${what}`];
}

const describe = ({ path, what }: FileChange): string =>
  what[0] === 'added' || what[0] === 'removed' ? `${path} was ${what[0]}` : `${path} changed (${what.join(', ')})`;

const shown = (value: unknown): string => {
  const text = typeof value === 'string' ? JSON.stringify(value) : (JSON.stringify(value) ?? 'unset');
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
};
