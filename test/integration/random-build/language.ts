// Random Dockerfiles: what they are made of, and how it is written down. It knows nothing of what they mean.
export type Random = (n: number) => number;

/** Numbers that a seed gives: a linear congruential generator. */
export function generator(seed: number): Random {
  let state = (Math.imul(seed, 2654435761) + 12345) >>> 0;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

export interface Reference {
  readonly name: string;
  readonly form: 'plain' | 'brace' | 'default' | 'alternative';
}
/** Text with variables in it. */
export type Word = readonly (string | Reference)[];
export interface Assignment {
  readonly name: string;
  readonly value?: Word;
}

export type Source =
  | { readonly kind: 'context'; readonly paths: readonly string[] }
  | { readonly kind: 'stage'; readonly stage: number; readonly paths: readonly string[] }
  | { readonly kind: 'named'; readonly name: string; readonly paths: readonly string[] };

export type Mount =
  | { readonly type: 'secret' }
  | { readonly type: 'tmpfs' }
  | { readonly type: 'bind'; readonly from: number | 'context' | 'dirctx'; readonly path: string; readonly writable: boolean }
  | { readonly type: 'cache'; readonly id?: string; readonly owner?: string; readonly sharing?: string; readonly from?: number };

export type Instruction =
  | { readonly kind: 'arg'; readonly entries: readonly Assignment[] }
  | { readonly kind: 'env'; readonly entries: readonly Assignment[] }
  /** Writes the values of variables, as the shell of the step sees them. */
  | { readonly kind: 'echo'; readonly names: readonly string[]; readonly to: string; readonly heredoc: boolean }
  | { readonly kind: 'join'; readonly to: string }
  | { readonly kind: 'remove'; readonly what: string }
  | { readonly kind: 'mount'; readonly mount: Mount; readonly to: string }
  | {
      readonly kind: 'copy';
      readonly source: Source;
      readonly to: Word;
      readonly flags: readonly string[];
    }
  /** A file by HTTP, by its number. */
  | { readonly kind: 'fetch'; readonly file: number; readonly to: string }
  | { readonly kind: 'write'; readonly text: Word; readonly to: string; readonly raw: boolean }
  | { readonly kind: 'workdir'; readonly path: Word }
  | { readonly kind: 'onbuild'; readonly trigger: Instruction };

export interface Stage {
  readonly name: string;
  /** The base image by one of its names, nothing, a directory, or an earlier stage. */
  readonly base:
    | { readonly kind: 'image'; readonly word: Word }
    | { readonly kind: 'scratch' | 'dirctx' }
    | { readonly kind: 'stage'; readonly stage: number };
  readonly platform?: string;
  readonly instructions: readonly Instruction[];
}

export interface File {
  readonly globals: readonly Assignment[];
  readonly stages: readonly Stage[];
}

const FORMS = {
  plain: (name: string) => `$${name}`,
  brace: (name: string) => `\${${name}}`,
  default: (name: string) => `\${${name}:-none}`,
  alternative: (name: string) => `\${${name}:+some}`,
} as const;

const text = (word: Word): string => word.map((part) => (typeof part === 'string' ? part : FORMS[part.form](part.name))).join('');
const assignment = ({ name, value }: Assignment): string => (value === undefined ? name : `${name}=${text(value)}`);

function mountFlag(mount: Mount, stageName: (n: number) => string): string {
  switch (mount.type) {
    case 'secret':
      return 'type=secret,id=n';
    case 'tmpfs':
      return 'type=tmpfs,target=/t';
    case 'bind': {
      const from = mount.from === 'context' ? '' : `,from=${mount.from === 'dirctx' ? 'dirctx' : stageName(mount.from)}`;
      return `type=bind${from},source=${mount.path},target=/m${mount.writable ? ',rw' : ''}`;
    }
    case 'cache':
      return [
        'type=cache,target=/c',
        ...(mount.id === undefined ? [] : [`id=${mount.id}`]),
        ...(mount.owner === undefined ? [] : [mount.owner]),
        ...(mount.sharing === undefined ? [] : [`sharing=${mount.sharing}`]),
        ...(mount.from === undefined ? [] : [`from=${stageName(mount.from)}`]),
      ].join(',');
  }
}

const COMMANDS = {
  secret: (to: string) => `cat /run/secrets/n > /${to}`,
  tmpfs: (to: string) => `touch /t/x && ls /t > /${to}`,
  bind: (to: string) => `cat /m > /${to}`,
  writable: (to: string) => `cat /m > /${to}; echo lost >> /m`,
  cache: (to: string) =>
    `echo ${to} >> /c/log; stat -c '%u:%g %a' /c > /${to}; (cd /c; ls -d o* 2>/dev/null) >> /${to}; cat /c/log >> /${to}`,
} as const;

/** @param server where files by HTTP are */
function written(i: Instruction, stageName: (n: number) => string, server: string): string {
  switch (i.kind) {
    case 'arg':
      return `ARG ${i.entries.map(assignment).join(' ')}`;
    case 'env':
      return `ENV ${i.entries.map(assignment).join(' ')}`;
    case 'echo': {
      const command = `echo "${i.names.map((n) => `[$${n}]`).join('')}" > /${i.to}`;
      return i.heredoc ? `RUN <<E\n${command}\nE` : `RUN ${command}`;
    }
    case 'join':
      return `RUN cat /o* > /tmp/all 2>/dev/null; mv /tmp/all /${i.to}`;
    case 'remove':
      return `RUN rm -rf /${i.what}`;
    case 'mount': {
      const command = i.mount.type === 'bind' && i.mount.writable ? 'writable' : i.mount.type;
      return `RUN --mount=${mountFlag(i.mount, stageName)} ${COMMANDS[command](i.to)}`;
    }
    case 'copy': {
      const { source } = i;
      const from = source.kind === 'context' ? [] : [`--from=${source.kind === 'stage' ? stageName(source.stage) : source.name}`];
      return ['COPY', ...from, ...i.flags, ...source.paths, text(i.to)].join(' ');
    }
    case 'write':
      return `COPY <<${i.raw ? '"E"' : 'E'} /${i.to}\n${text(i.text)}\nE`;
    case 'fetch':
      return `ADD ${server}/${i.file} /${i.to}`;
    case 'workdir':
      return `WORKDIR ${text(i.path)}`;
    case 'onbuild':
      return `ONBUILD ${written(i.trigger, stageName, server)}`;
  }
}

export function dockerfile({ globals, stages }: File, server: string): string {
  const nameOf = (n: number): string => stages[n]?.name ?? '';
  const lines = globals.map((g) => `ARG ${assignment(g)}`);
  for (const { name, base, platform, instructions } of stages) {
    const from = base.kind === 'image' ? text(base.word) : base.kind === 'stage' ? nameOf(base.stage) : base.kind;
    lines.push(
      `FROM ${platform === undefined ? '' : `--platform=${platform} `}${from} AS ${name}`,
      ...instructions.map((i) => written(i, nameOf, server)),
    );
  }
  return `${lines.join('\n')}\n`;
}
