// What `build --check` and `build --call` print, as text and as JSON.
import type { BuildRequest, Caller, Checked, Reply } from '../../engine/index.ts';
import { type SourceRange, SlipwayError } from '../../model/index.ts';
import type { Context } from '../command.ts';
import { renderExcerpt } from '../excerpt.ts';
import { performBuild } from './perform.ts';
import { table } from '../table.ts';

export type CallMethod = 'build' | 'check' | 'outline' | 'targets' | 'describe';
export interface Call {
  readonly method: CallMethod;
  readonly json: boolean;
}

const METHODS: Readonly<Record<string, CallMethod>> = {
  build: 'build',
  check: 'check',
  lint: 'check',
  outline: 'outline',
  targets: 'targets',
  'subrequests.describe': 'describe',
};

/** What `--call` can ask for, with the version of the answer's form. */
const REQUESTS = [
  { name: 'outline', version: '1.0.0', description: 'List what can be given to the build of a target' },
  { name: 'targets', version: '1.0.0', description: 'List the targets of a Dockerfile' },
  { name: 'subrequests.describe', version: '1.0.0', description: 'List what can be asked for' },
];

/** Reads `--call=METHOD[,format=json]`, or what `--check` stands for. Throws invalid-argument 'flag.call'. */
export function parseCall(text: string | undefined, check: boolean, format: string | undefined): Call {
  const [name = '', ...options] = (text ?? (check ? 'check' : 'build')).split(',');
  const method = METHODS[name.toLowerCase()];
  if (method === undefined) {
    throw new SlipwayError('invalid-argument', 'flag.call', `invalid argument "${name}" for "--call": no such method`, {
      hints: ['build, check, outline and targets are'],
    });
  }
  let chosen = format;
  for (const option of options) {
    const [key, value] = option.split('=');
    if (key !== 'format')
      throw new SlipwayError('invalid-argument', 'flag.call', `invalid print field: ${option}`, { hints: ['--call=check,format=json'] });
    chosen = value;
  }
  if (chosen !== undefined && chosen !== 'json' && chosen !== 'text' && chosen !== 'lint') {
    throw new SlipwayError('invalid-argument', 'flag.format', `invalid format "${chosen}"`, { hints: ['json and text are'] });
  }
  return { method, json: chosen === 'json' };
}

export interface Answer {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Asks the engine, and says what to print. */
export async function answerCall({ method, json }: Call, ctx: Context, request: BuildRequest, caller: Caller): Promise<Answer> {
  const print = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  const answer = (stdout: string): Answer => ({ stdout, stderr: '', exitCode: 0 });
  switch (method) {
    case 'outline': {
      const outline = shownOutline(await performBuild(ctx, { kind: 'outline', request }, caller));
      return answer(json ? print(outline) : outlineText(outline));
    }
    case 'targets': {
      const { text, targets } = await performBuild(ctx, { kind: 'targets', request }, caller);
      if (json) {
        const shown = targets.map(({ range, ...t }) => ({ ...t, location: location(range) }));
        return answer(print({ targets: shown, sources: [source(text)] }));
      }
      const rows = targets.map((t) => [
        `${t.name ?? ''}${t.default ? `${t.name === undefined ? '' : ' '}(default)` : ''}`,
        t.description ?? '',
      ]);
      return answer(table([['TARGET', 'DESCRIPTION'], ...rows], 1));
    }
    case 'describe':
      if (json)
        return answer(
          print(
            REQUESTS.map((r) => ({
              ...r,
              name: r.name === 'subrequests.describe' ? 'frontend.subrequests.describe' : `frontend.${r.name}`,
              type: 'rpc',
            })),
          ),
        );
      return answer(table([['NAME', 'VERSION', 'DESCRIPTION'], ...REQUESTS.map((r) => [r.name, r.version, r.description])], 1));
    default: {
      const found = await performBuild(ctx, { kind: 'check', request }, caller);
      return {
        stdout: json ? print(warningsOf(found)) : `${warningsText(found)}${found.error && found.warnings.length > 0 ? '\n' : ''}`,
        stderr: found.error === undefined ? '' : errorText(found.error),
        exitCode: found.warnings.length > 0 || found.error !== undefined ? 1 : 0,
      };
    }
  }
}

const source = (text: string): string => Buffer.from(text).toString('base64');
/** A range for each line, as Docker has them. */
const location = ({ start, end }: SourceRange) => ({
  ranges: Array.from({ length: end.line - start.line + 1 }, (_, n) => ({ start: { line: start.line + n }, end: { line: start.line + n } })),
});

const byLine = ({ warnings }: Pick<Checked, 'warnings'>): Checked['warnings'] =>
  warnings.toSorted((a, b) =>
    a.source.file === b.source.file ? a.source.range.start.line - b.source.range.start.line : a.source.file < b.source.file ? -1 : 1,
  );

function warningsOf(found: Checked): unknown {
  const { files } = found;
  const placed = (at: { readonly file: string; readonly range: SourceRange }): object => {
    const index = files.findIndex(({ name }) => name === at.file);
    return { ...(index > 0 && { sourceIndex: index }), ...location(at.range) };
  };
  const warnings = found.warnings.map((w) => ({
    ruleName: w.rule,
    description: w.description,
    url: w.url,
    detail: w.message,
    location: placed(w.source),
  }));
  const { error } = found;
  return {
    warnings: warnings.length === 0 ? null : warnings,
    sources: files.map(({ name, text }) => ({ filename: name, data: source(text), language: 'Dockerfile' })),
    ...(error !== undefined && { buildError: { message: error.message, location: error.source ? placed(error.source) : {} } }),
  };
}

/** What `--check` prints. */
export function warningsText(found: Pick<Checked, 'warnings' | 'error'>): string {
  const warnings = byLine(found);
  const n = warnings.length;
  if (n === 0) return found.error === undefined ? 'Check complete, no warnings found.\n' : '';
  const parts = warnings.map((w) => `\nWARNING: ${w.rule} - ${w.url}\n${w.message}\n${renderExcerpt(w.source)}`);
  return `Check complete, ${n} ${n === 1 ? 'warning has' : 'warnings have'} been found!\n${parts.join('')}`;
}

const errorText = ({ message, source: at, hints }: NonNullable<Checked['error']>): string =>
  `ERROR: ${message}\n${at ? renderExcerpt(at) : ''}${hints.length > 0 ? `\n${hints.map((h) => `hint: ${h}\n`).join('')}` : ''}`;

/** In Docker's form: lists are left out when they are empty. */
function shownOutline({ text, args, secrets, ssh, ...head }: Reply<'outline'>) {
  const located = <T extends { readonly range: SourceRange }>({ range, ...rest }: T) => ({ ...rest, location: location(range) });
  return {
    ...head,
    ...(args.length > 0 && { args: args.map(located) }),
    ...(secrets.length > 0 && { secrets: secrets.map(located) }),
    ...(ssh.length > 0 && { ssh: ssh.map(located) }),
    sources: [source(text)],
  };
}

function outlineText(o: ReturnType<typeof shownOutline>): string {
  const head = [
    ...(o.name === undefined ? [] : [`TARGET:${o.description === undefined ? ' ' : '      '}${o.name}\n`]),
    ...(o.description === undefined ? [] : [`DESCRIPTION: ${o.description}\n`]),
  ];
  const part = (title: readonly string[], rows: readonly (readonly string[])[]): string =>
    rows.length === 0 ? '' : `${table([title, ...rows])}\n`;
  const required = (x: { required?: true }): string => (x.required ? 'true' : '');
  return [
    head.length === 0 ? '' : `${head.join('')}\n`,
    part(
      ['BUILD ARG', 'VALUE', 'DESCRIPTION'],
      (o.args ?? []).map((a) => [a.name, a.value ?? '', a.description ?? '']),
    ),
    part(
      ['SECRET', 'REQUIRED'],
      (o.secrets ?? []).map((s) => [s.name, required(s)]),
    ),
    part(
      ['SSH', 'REQUIRED'],
      (o.ssh ?? []).map((s) => [s.name, required(s)]),
    ),
  ].join('');
}
