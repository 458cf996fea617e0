// Grows Dockerfiles from a grammar, and breaks them: the same ones for the same seed.

/** Mulberry32: small, and the same everywhere for the same seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  many<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.below(most + 1) }, make);
  }
}

/** Grows the text of a Dockerfile that is right more often than not. */
export class Grammar {
  readonly r: Random;

  constructor(r: Random) {
    this.r = r;
  }

  file(): string {
    const { r } = this;
    const head = r.many(2, () =>
      r.of([
        '# syntax=docker/dockerfile:1',
        '# escape=`',
        '# escape=\\',
        '# check=skip=all',
        '#!/bin/x',
        '# check=error=true;skip=A,B',
        '',
      ]),
    );
    const lines = [...head, ...r.many(2, () => `ARG ${this.pair()}`)];
    for (let stage = 0; stage <= r.below(4); stage++) {
      lines.push(this.from(stage), ...r.many(8, () => this.instruction()));
    }
    return lines.join(r.of(['\n', '\n', '\n', '\r\n', '\n\n'])) + r.of(['\n', '', '\n\n', '\r\n']);
  }

  from(stage: number): string {
    const { r } = this;
    const platform = r.of([
      '',
      '',
      '',
      '--platform=linux/amd64 ',
      '--platform=$BUILDPLATFORM ',
      '--platform=${TARGETPLATFORM:-linux/arm64/v8} ',
    ]);
    const base = r.of(['scratch', 'busybox', 'alpine:3.20', `s${r.below(4)}`, '${BASE}', `reg.example:5000/a/b@sha256:${'0'.repeat(64)}`]);
    return `${this.keyword('FROM')} ${platform}${base}${r.of(['', ` AS s${stage}`, ` as S${stage}`])}`;
  }

  keyword(name: string): string {
    return this.r.of([name, name, name, name.toLowerCase(), `  ${name}`, `\t${name}`]);
  }

  instruction(): string {
    const { r } = this;
    const word = () => this.word();
    switch (r.below(20)) {
      case 0:
        return `${this.keyword('RUN')} ${r.many(2, () => this.mount()).join('')}${this.command()}`;
      case 1:
        return `${this.keyword('RUN')} ${this.list()}`;
      case 2:
        return this.heredoc(`RUN ${r.many(1, () => this.mount()).join('')}`);
      case 3:
        return this.heredoc(`${r.of(['COPY', 'ADD'])} ${r.many(1, () => this.copyFlag()).join('')}`, ` ${word()}`);
      case 4:
        return `${this.keyword('COPY')} ${r.many(3, () => this.copyFlag()).join('')}${word()} ${word()}`;
      case 5:
        return `${this.keyword('ADD')} ${r.of(['', '--unpack ', '--keep-git-dir=true ', '--checksum=sha256:00 '])}${word()} ${word()}`;
      case 6:
        return `${this.keyword('ENV')} ${r.of([`${this.name()} ${word()} ${word()}`, `${this.pair()} ${this.pair()}`])}`;
      case 7:
        return `${this.keyword('LABEL')} ${this.pair()} ${this.pair()}`;
      case 8:
        return `${this.keyword('ARG')} ${r.of([this.name(), this.pair()])}`;
      case 9:
        return `${this.keyword('EXPOSE')} ${r.of(['80', '80/tcp', '1-9/udp', '$PORT', word()])}`;
      case 10:
        return `${this.keyword(r.of(['CMD', 'ENTRYPOINT', 'SHELL', 'VOLUME']))} ${r.of([this.list(), this.command()])}`;
      case 11:
        return `${this.keyword(r.of(['USER', 'WORKDIR', 'STOPSIGNAL', 'MAINTAINER']))} ${word()}`;
      case 12:
        return `${this.keyword('HEALTHCHECK')} ${r.of(['NONE', `--interval=${r.of(['1s', '0', '1h2m', 'x'])} CMD ${this.command()}`, `CMD ${this.list()}`])}`;
      case 13:
        return `${this.keyword('ONBUILD')} ${this.instruction()}`;
      case 14:
        return `# ${word()}`;
      case 15:
        return '';
      case 16:
        return `${r.of(['RUM', 'FORM', 'COPPY', word()])} ${word()}`;
      default:
        return `${this.keyword('RUN')} ${this.command()}`;
    }
  }

  command(): string {
    const { r } = this;
    const glue = r.of([' ', ' && ', ' \\\n    ', '\\\n', ' \\\n\n  ', ' \\\n  # comment\n  ', ' `\n ', ' \\ \n\t', '; ']);
    return [this.word(), ...r.many(3, () => this.word())].join(glue);
  }

  heredoc(head: string, tail = ''): string {
    const { r } = this;
    const name = r.of(['EOF', 'E', 'file.txt']);
    const mark = `${r.of(['', '', '3'])}<<${r.of(['', '-'])}${r.of([name, `"${name}"`, `'${name}'`, `\\${name}`])}`;
    const body = r.many(3, () => `${r.of(['', '\t', '#!/bin/sh ', '<<'])}${this.word()}\n`).join('');
    return `${head}${r.of(['', 'cat '])}${mark}${tail}\n${body}${r.of([name, name, name, `\t${name}`, ''])}`;
  }

  copyFlag(): string {
    return `${this.r.of(['--from=s0', '--chown=1:2', '--chown=${U}:g', '--chmod=0755', '--chmod=u=rwX,go=rX', '--link', '--parents', '--exclude=*.o', '--link=false', '--nope', '--from='])} `;
  }

  mount(): string {
    const { r } = this;
    const options = r.many(3, () =>
      r.of([
        'target=/x',
        'source=/y',
        'from=s0',
        'id=${ID:-k}',
        'sharing=locked',
        'ro',
        'rw=false',
        'mode=0700',
        'uid=1',
        'size=1m',
        'required',
        'env=A',
        '"target=/a,b"',
        'zzz=1',
      ]),
    );
    return `--mount=${[`type=${r.of(['bind', 'cache', 'tmpfs', 'secret', 'ssh', 'odd'])}`, ...options].join(',')} `;
  }

  list(): string {
    const items = this.r.many(3, () => JSON.stringify(this.word()));
    return `[${items.join(this.r.of([',', ', ', ' ,\\\n ']))}${this.r.of([']', ']', ']', '', ', 1]', ',]'])}`;
  }

  name(): string {
    return this.r.of(['A', 'B', 'PATH', 'VERSION', '_x1', 'HTTP_PROXY', 'é', '1']);
  }

  pair(): string {
    return `${this.name()}${this.r.of(['=', '=', '=', ''])}${this.word()}`;
  }

  word(): string {
    const { r } = this;
    return r.many(3, () => this.atom()).join('') || 'w';
  }

  atom(depth = 0): string {
    const { r } = this;
    const inner = () => (depth > 4 ? 'x' : this.atom(depth + 1));
    switch (r.below(16)) {
      case 0:
        return `$${this.name()}`;
      case 1:
        return `\${${this.name()}}`;
      case 2:
        return `\${${this.name()}${r.of([':-', '-', ':+', '+', ':?', '?'])}${inner()}}`;
      case 3:
        return `\${${this.name()}${r.of(['#', '##', '%', '%%'])}${r.of(['*', '?', '*/', '[a-c]', '\\*', inner()])}}`;
      case 4:
        return `\${${this.name()}${r.of(['/', '//'])}${inner()}${r.of(['/', ''])}${inner()}}`;
      case 5:
        return `"${inner()} ${inner()}"`;
      case 6:
        return `'${inner()} $A'`;
      case 7:
        return r.of([
          '\\$',
          '\\\\',
          '\\"',
          "\\'",
          '\\ ',
          '\\',
          '`',
          '$',
          '$$',
          '${',
          '}',
          '<<',
          '"',
          "'",
          '=',
          '--',
          '[',
          ']',
          '#',
          '😀',
          '\u0000',
          '\u0085',
          '\ufffd',
        ]);
      default:
        return r.of(['a', 'b.c', '/usr/bin', 'x y', 'https://example.com/a.git#main:dir', '*.txt', '?', 'é', '1', '..', '/./']);
    }
  }
}

const SPLICES = [
  '\\\n',
  '\n',
  '\r\n',
  '"',
  "'",
  '${',
  '}',
  '$',
  '<<EOF',
  '<<-',
  '[',
  ']',
  '[[',
  ',',
  '=',
  '--',
  '#',
  '# escape=`\n',
  '\u0000',
  '\u2028',
  '\ufeff',
  ':-',
  '//',
  '%%',
  ' \t',
  'FROM ',
  'ONBUILD ',
];

/** A few random changes of the bytes. */
export function broken(text: string, r: Random): string | Uint8Array {
  let now = text;
  for (let n = r.below(6); n > 0; n--) {
    const at = r.below(now.length + 1);
    const to = Math.min(now.length, at + r.below(12));
    const piece = r.of([
      '',
      r.of(SPLICES),
      now.slice(at, to).repeat(2),
      String.fromCharCode(r.below(256)),
      r.of(SPLICES).repeat(1 + r.below(30)),
    ]);
    now = now.slice(0, at) + piece + now.slice(to);
  }
  if (r.below(10) > 0) return now;
  const bytes = Buffer.from(now);
  for (let n = r.below(4); n > 0 && bytes.length > 0; n--) bytes[r.below(bytes.length)] = r.below(256);
  return bytes;
}
