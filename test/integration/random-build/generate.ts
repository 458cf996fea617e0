// Random Dockerfiles, contexts and requests, and random edits of them. What they give can always be built, but for a base image that
// is named by an argument which nobody gives.
import type { Assignment, File, Instruction, Mount, Random, Reference, Source, Stage, Word } from './language.ts';
import type { Files, Node } from './model.ts';

const NAMES = ['V', 'W', 'X'] as const;
const PLATFORM = ['TARGETARCH', 'TARGETPLATFORM', 'BUILDPLATFORM'] as const;
const VALUES = ['a', 'b', 'c'] as const;

export interface Wish {
  readonly style: 'graph' | 'classic';
  /** For more than one platform: commands run in stages for this machine alone. */
  readonly cross: boolean;
  readonly seed: number;
  /** For steps that run again: most commands make something else each time, and stages read each other. */
  readonly outside: boolean;
}

export const one = <T>(random: Random, of: readonly T[]): T => of[random(of.length)] as T;

function reference(
  random: Random,
  style: Wish['style'],
  name: string = one(random, style === 'graph' ? [...NAMES, ...PLATFORM] : NAMES),
): Reference {
  return { name, form: one(random, ['plain', 'brace', 'default', 'alternative'] as const) };
}

function word(random: Random, wish: Wish): Word {
  const parts: (string | Reference)[] = [one(random, VALUES)];
  if (random(2) === 0) parts.push('-', reference(random, wish.style));
  return parts;
}

/** What can be read of a stage that is made already. */
interface Made {
  readonly stage: Stage;
  readonly files: readonly string[];
  readonly folders: readonly string[];
  /** Of the files, those that another run makes otherwise. */
  readonly outside: readonly string[];
  /** Whether it has a shell. */
  readonly runs: boolean;
}

export function randomFile(random: Random, wish: Wish): File {
  const globals: Assignment[] = [{ name: 'B', value: ['base'] }];
  for (const name of NAMES) if (random(3) === 0) globals.push({ name, ...(random(4) > 0 && { value: word(random, wish) }) });
  const made: Made[] = [];
  for (let n = 0, count = 2 + random(5); n < count; n++) made.push(randomStage(random, wish, n, made));
  const stages = made.map((m) => m.stage);
  // nothing needs it, and it is looked at all the same
  if (random(8) === 0) stages.unshift(broken(random));
  const shift = stages.length - made.length;
  return { globals, stages: shift === 0 ? stages : stages.map((s) => shifted(s, shift)) };
}

/** A stage whose FROM says nothing that could be. */
function broken(random: Random): Stage {
  const nope: Reference = { name: 'NOPE', form: 'plain' };
  const stage: Stage = { name: 'unused', base: { kind: 'image', word: ['base'] }, instructions: [] };
  const word = one<Word | undefined>(random, [['base:', nope], [nope], ['Base'], undefined]);
  return word === undefined ? { ...stage, platform: '$NOPE' } : { ...stage, base: { kind: 'image', word } };
}

/** The same stage where another one has been put before all. */
function shifted(stage: Stage, by: number): Stage {
  const instruction = (i: Instruction): Instruction => {
    if (i.kind === 'onbuild') return { ...i, trigger: instruction(i.trigger) };
    if (i.kind === 'copy' && i.source.kind === 'stage') return { ...i, source: { ...i.source, stage: i.source.stage + by } };
    if (i.kind === 'mount' && 'from' in i.mount && typeof i.mount.from === 'number')
      return { ...i, mount: { ...i.mount, from: i.mount.from + by } as Mount };
    return i;
  };
  const { base } = stage;
  return {
    ...stage,
    base: base.kind === 'stage' ? { kind: 'stage', stage: base.stage + by } : base,
    instructions: stage.instructions.map(instruction),
  };
}

function randomStage(random: Random, wish: Wish, n: number, made: readonly Made[]): Made {
  const files: string[] = [];
  const folders: string[] = [];
  const outside: string[] = [];
  let base: Stage['base'];
  let runs: boolean;
  const kind = random(8);
  const below = random(Math.max(made.length, 1));
  if (kind < 4 && made[below] && made[below].stage.base.kind !== 'dirctx') {
    base = { kind: 'stage', stage: below };
    files.push(...made[below].files);
    folders.push(...made[below].folders);
    outside.push(...made[below].outside);
    runs = made[below].runs;
  } else if (kind === 4 && n > 0) {
    base = { kind: 'scratch' };
    runs = false;
  } else if (kind === 5 && wish.style === 'graph') {
    base = { kind: 'dirctx' };
    files.push('g0');
    runs = false;
  } else {
    const names: Word[] = [['base'], ['base:latest'], [{ name: 'B', form: 'brace' }]];
    if (wish.style === 'graph') names.push(['alias']);
    base = { kind: 'image', word: one(random, names) };
    runs = true;
  }
  const instructions: Instruction[] = [];
  if (wish.cross && runs && random(3) > 0) {
    const to = `o${n}`;
    files.push(to);
    instructions.push({ kind: 'arg', entries: [{ name: 'TARGETARCH' }] }, { kind: 'echo', names: ['TARGETARCH'], to, heredoc: false });
  }
  // upon nothing that runs again, so that what is read alone says whether it is another
  const from = random(Math.max(made.length, 1));
  if (made[from] && made[from].files.length > 0 && (wish.outside || random(3) === 0)) {
    const to = `oc${n}`;
    files.push(to);
    instructions.push({
      kind: 'copy',
      source: { kind: 'stage', stage: from, paths: [fileOf(random, made[from])] },
      to: [`/${to}`],
      flags: [],
    });
  }
  for (let i = 0, count = 1 + random(6); i < count; i++)
    instructions.push(randomInstruction(random, wish, `${n}_${i}`, { files, folders, outside, runs, made }));
  const platform =
    base.kind === 'image'
      ? wish.cross
        ? one(random, ['$BUILDPLATFORM', 'linux/amd64'])
        : one(random, [undefined, 'linux/amd64'])
      : undefined;
  const stage = { name: `s${n}`, base, ...(platform !== undefined && wish.style === 'graph' && { platform }), instructions };
  return { stage, files, folders, outside, runs };
}

/** A file of a stage, rather one that another run makes otherwise. */
const fileOf = (random: Random, { files, outside }: Made): string =>
  `/${one(random, outside.length > 0 && random(3) > 0 ? outside : files)}`;

interface Place {
  readonly files: string[];
  readonly folders: string[];
  readonly outside: string[];
  readonly runs: boolean;
  readonly made: readonly Made[];
}

/** How often each kind of instruction comes, with a shell and without. */
const SHELLLESS = [0, 0, 1, 2, 3, 4, 5, 6, 7, 15] as const;
const RUNNABLE = [...SHELLLESS, 0, 0, 9, 10, 11, 12, 13, 13, 13, 14, 14, 14, 14] as const;

const OUTSIDE = [0, 2, 4, 5, 6, 9, 12, 14, 14, 14, 15] as const;

function randomInstruction(random: Random, wish: Wish, id: string, place: Place): Instruction {
  const graph = wish.style === 'graph';
  const kind = one(random, place.runs ? (wish.outside ? OUTSIDE : RUNNABLE) : SHELLLESS);
  const file = (name = `o${id}`): string => {
    place.files.push(name);
    return name;
  };
  if (kind === 0) {
    const entries = NAMES.filter(() => random(2) === 0).map((name): Assignment => ({
      name,
      ...(random(2) === 0 && { value: word(random, wish) }),
    }));
    if (graph && random(2) === 0) entries.push({ name: one(random, PLATFORM) });
    if (entries.length === 0) entries.push({ name: 'V' });
    return { kind: 'arg', entries };
  }
  if (kind === 1)
    return {
      kind: 'env',
      entries: [
        { name: one(random, NAMES), value: word(random, wish) },
        { name: 'Y', value: word(random, wish) },
      ],
    };
  if (kind === 2)
    return { kind: 'workdir', path: [one(random, ['/', '']), `w${id}`, ...(random(2) === 0 ? [reference(random, 'classic')] : [])] };
  if (kind === 3 && graph)
    return { kind: 'write', to: file(), text: [...word(random, wish), ' ', reference(random, 'graph')], raw: random(4) === 0 };
  if (kind === 4) {
    const trigger: Instruction = place.runs
      ? { kind: 'echo', names: ['V', 'W'], to: `o${id}`, heredoc: false }
      : { kind: 'copy', source: { kind: 'context', paths: ['f0'] }, to: [`/o${id}`], flags: [] };
    return { kind: 'onbuild', trigger };
  }
  if (kind < 8) return randomCopy(random, wish, id, place, file);
  if (kind === 15) return { kind: 'fetch', file: random(SERVED), to: file() };
  if (kind === 9) return { kind: 'join', to: file() };
  if (kind === 10 && place.files.length > 1) {
    const what = place.files.splice(random(place.files.length), 1)[0]!;
    if (place.outside.includes(what)) place.outside.splice(place.outside.indexOf(what), 1);
    return { kind: 'remove', what };
  }
  if (kind < 13 || !graph)
    return {
      kind: 'echo',
      names: [...NAMES, ...['Y', 'HTTP_PROXY', ...PLATFORM].filter(() => random(2) === 0)],
      to: file(),
      heredoc: graph && random(3) === 0,
    };
  const mount = randomMount(random, `${wish.seed}_${id}`, place);
  const to = file();
  if (mount.type === 'secret' || mount.type === 'cache') place.outside.push(to);
  return { kind: 'mount', mount, to };
}

function randomMount(random: Random, id: string, { made }: Place): Mount {
  const kind = random(8);
  if (kind < 3) return { type: 'secret' };
  if (kind === 3) return { type: 'tmpfs' };
  const from = random(Math.max(made.length, 1));
  const seen = made[from];
  if (kind < 6) {
    const path = seen && seen.files.length > 0 ? fileOf(random, seen) : undefined;
    const which = path === undefined ? random(2) : random(3);
    if (path !== undefined && which === 2) return { type: 'bind', from, path, writable: random(2) === 0 };
    return which === 0
      ? { type: 'bind', from: 'context', path: '/f0', writable: random(2) === 0 }
      : { type: 'bind', from: 'dirctx', path: '/g0', writable: random(2) === 0 };
  }
  return {
    type: 'cache',
    id: `k${id.split('_').slice(0, 2).join('_')}`,
    ...(random(2) === 0 && { owner: one(random, ['uid=1000,gid=1000,mode=0751', 'uid=1,gid=2,mode=0700']) }),
    ...(random(2) === 0 && { sharing: one(random, ['shared', 'private', 'locked']) }),
    ...(seen && random(3) === 0 && { from }),
  };
}

function randomCopy(random: Random, wish: Wish, id: string, place: Place, file: (name?: string) => string): Instruction {
  const graph = wish.style === 'graph';
  const flags: string[] = [];
  if (random(3) === 0) flags.push(`--chown=${one(random, ['1000:1000', '1:2'])}`);
  if (graph && random(4) === 0) flags.push('--link');
  const kind = random(8);
  const folder = `d${id}`;
  if ((kind === 0 || kind > 5) && place.made.length > 0) {
    const stage = random(place.made.length);
    const { files, folders } = place.made[stage]!;
    if (files.length > 0 && random(3) > 0)
      return { kind: 'copy', source: { kind: 'stage', stage, paths: [fileOf(random, place.made[stage]!)] }, to: [`/${file()}`], flags };
    if (folders.length > 0) {
      place.folders.push(folder);
      return {
        kind: 'copy',
        source: { kind: 'stage', stage, paths: [`/${one(random, folders)}`] },
        to: [`/${folder}`, one(random, ['', '/'])],
        flags,
      };
    }
  }
  if (kind === 1 && graph) {
    const paths = random(2) === 0 ? ['g0'] : ['sub'];
    const source: Source = { kind: 'named', name: 'dirctx', paths };
    if (paths[0] === 'g0') return { kind: 'copy', source, to: [`/${file()}`], flags };
    place.folders.push(folder);
    return { kind: 'copy', source, to: [`/${folder}/`], flags };
  }
  if (kind === 2) {
    if (graph && random(2) === 0) flags.push(`--chmod=${one(random, ['640', '755', '0600'])}`);
    return { kind: 'copy', source: { kind: 'context', paths: ['f0'] }, to: random(3) === 0 ? [`r${id}`] : [`/${file()}`], flags };
  }
  if (kind === 3) {
    const to: Word = random(2) === 0 ? [`/d${id}`, reference(random, 'classic'), '/'] : [`/${folder}/`];
    if (to.length === 1) place.folders.push(folder);
    return { kind: 'copy', source: { kind: 'context', paths: ['f0', 'f*'] }, to, flags };
  }
  place.folders.push(folder);
  if (graph && kind === 4) {
    if (random(2) === 0) flags.push('--parents');
    else flags.push(`--exclude=${one(random, ['x0', 'sub'])}`);
  }
  return { kind: 'copy', source: { kind: 'context', paths: ['d0'] }, to: [`/${folder}/`], flags };
}

/** Files by HTTP. */
const SERVED = 3;

/** What is at their addresses. */
export const randomServed = (random: Random): readonly string[] => Array.from({ length: SERVED }, (_, n) => `served ${n} ${random(2)}\n`);

/** Files of a context that can be made, changed and removed. */
const OPTIONAL = ['f1', 'f2', 'd0/x0', 'd0/y.tmp', 'd0/sub/z', 'd0/sub/z.tmp'];
const MODES = [0o644, 0o755, 0o600, 0o444];

export function randomContext(random: Random): Map<string, Node> {
  const files = new Map<string, Node>();
  for (const path of ['f0', 'd0/keep', ...OPTIONAL.filter(() => random(3) > 0)]) files.set(path, randomNode(random, path));
  return withFolders(files);
}

const randomNode = (random: Random, path: string): Node => ({
  dir: false,
  content: `${path} ${random(1_000_000)}\n`,
  mode: MODES[random(MODES.length)]!,
  owner: '0:0',
});

function withFolders(files: Files): Map<string, Node> {
  const out = new Map<string, Node>();
  for (const [path, node] of files) {
    if (node.dir) continue;
    const words = path.split('/');
    for (let n = 1; n < words.length; n++) out.set(words.slice(0, n).join('/'), { dir: true, content: '', mode: 0o755, owner: '0:0' });
    out.set(path, node);
  }
  return out;
}

export function editContext(random: Random, files: Files): Map<string, Node> {
  const edited = new Map(files);
  const path = one(random, ['f0', 'd0/keep', ...OPTIONAL]);
  if (OPTIONAL.includes(path) && edited.has(path) && random(2) === 0) edited.delete(path);
  else edited.set(path, randomNode(random, path));
  return withFolders(edited);
}

/** Lines of .dockerignore, and what each means for the paths that there are. */
const IGNORE: readonly (readonly [line: string, matches: (path: string) => boolean])[] = [
  ['f1', (p) => p === 'f1'],
  ['**/*.tmp', (p) => p.endsWith('.tmp')],
  ['d0/sub', (p) => p.startsWith('d0/sub/')],
  ['/d?/x*', (p) => p === 'd0/x0'],
  ['!d0/sub/z', (p) => p === 'd0/sub/z'],
  ['!**/y.tmp', (p) => p.endsWith('y.tmp')],
];

export const randomIgnore = (random: Random): readonly string[] => IGNORE.filter(() => random(3) === 0).map(([line]) => line);

export function shown(files: Files, lines: readonly string[]): Map<string, Node> {
  const kept = new Map<string, Node>();
  for (const [path, node] of files) {
    let ignored = false;
    for (const [line, matches] of IGNORE) if (lines.includes(line) && matches(path)) ignored = !line.startsWith('!');
    if (!ignored) kept.set(path, node);
  }
  return withIgnoredFolders(withFolders(kept), files, lines);
}

/** A folder stays where its files alone are ignored. */
function withIgnoredFolders(kept: Map<string, Node>, files: Files, lines: readonly string[]): Map<string, Node> {
  for (const [path, node] of files) if (node.dir && !(path === 'd0/sub' && lines.includes('d0/sub'))) kept.set(path, node);
  return kept;
}

export function randomDirectory(random: Random): Map<string, Node> {
  return withFolders(new Map(['g0', 'sub/h0', ...(random(2) === 0 ? ['sub/h1'] : [])].map((path) => [path, randomNode(random, path)])));
}

/** Another Dockerfile that has most of its stages from the first. */
export function editFile(random: Random, file: File): File {
  const n = random(file.stages.length);
  const stages = file.stages.map((s, i): Stage => {
    if (i !== n || s.name === 'unused') return s;
    const change: Instruction = one<Instruction>(random, [
      { kind: 'arg', entries: [{ name: 'V', value: [one(random, VALUES)] }] },
      { kind: 'env', entries: [{ name: 'W', value: [one(random, VALUES)] }] },
      { kind: 'arg', entries: [{ name: one(random, NAMES) }] },
    ]);
    return { ...s, instructions: [change, ...s.instructions] };
  });
  return { ...file, stages };
}

/** Whether a directory can stand for a stage: nothing is built upon it, and what is read of it the directory has. */
export function isReplaceable({ stages }: File, n: number): boolean {
  const reads = (i: Instruction): boolean => {
    if (i.kind === 'onbuild') return reads(i.trigger);
    if (i.kind === 'copy') return i.source.kind === 'stage' && i.source.stage === n && i.source.paths[0] !== '/g0';
    return i.kind === 'mount' && i.mount.type === 'bind' && i.mount.from === n && i.mount.path !== '/g0';
  };
  return !stages.some((s) => (s.base.kind === 'stage' && s.base.stage === n) || s.instructions.some(reads));
}

export const randomArgs = (random: Random): Record<string, string> =>
  Object.fromEntries([...NAMES, 'HTTP_PROXY'].filter(() => random(3) === 0).map((name) => [name, one(random, ['p', 'q', ''])]));
