// What `build --check` and `build --call` print, as text and as JSON.
import { parseDockerfile, ruleUrl } from '../../dockerfile/index.ts';
import {
  type Engine,
  examineBuild,
  lintBuild,
  type BuildJob,
  type Examined,
  type Linted,
  type Dockerfile,
  type RuleName,
} from '../../engine/index.ts';
import { type SourceRange, SlipwayError } from '../../model/index.ts';
import { renderExcerpt } from '../excerpt.ts';
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
export async function answerCall({ method, json }: Call, engine: Engine, request: BuildJob): Promise<Answer> {
  const print = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  const answer = (stdout: string): Answer => ({ stdout, stderr: '', exitCode: 0 });
  const { name, text } = request.dockerfile;
  switch (method) {
    case 'outline': {
      const outline = shownOutline(await examineBuild(engine, request));
      return answer(json ? print(outline) : outlineText(outline));
    }
    case 'targets': {
      const dockerfile = parseDockerfile(text, { name });
      const targets = targetsOf(dockerfile);
      const rows = targets.map((t) => [
        `${t.name ?? ''}${t.default ? `${t.name === undefined ? '' : ' '}(default)` : ''}`,
        t.description ?? '',
      ]);
      return answer(json ? print({ targets, sources: [source(text)] }) : table([['TARGET', 'DESCRIPTION'], ...rows], 1));
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
      const found = await lintBuild(engine, request);
      return {
        stdout: json
          ? print(warningsOf(found, name, text))
          : `${warningsText(found)}${found.error && found.warnings.length > 0 ? '\n' : ''}`,
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

const byLine = ({ warnings }: Linted): Linted['warnings'] =>
  warnings.toSorted((a, b) => a.source.range.start.line - b.source.range.start.line);

function warningsOf(found: Linted, name: string, text: string): unknown {
  const warnings = found.warnings.map((w) => ({
    ruleName: w.rule,
    description: w.description,
    url: ruleUrl(w.rule as RuleName),
    detail: w.message,
    location: location(w.source.range),
  }));
  const { error } = found;
  return {
    warnings: warnings.length === 0 ? null : warnings,
    sources: [{ filename: name, data: source(text), language: 'Dockerfile' }],
    ...(error !== undefined && { buildError: { message: error.message, location: error.source ? location(error.source.range) : {} } }),
  };
}

function warningsText(found: Linted): string {
  const warnings = byLine(found);
  const n = warnings.length;
  if (n === 0) return found.error === undefined ? 'Check complete, no warnings found.\n' : '';
  const parts = warnings.map((w) => `\nWARNING: ${w.rule} - ${ruleUrl(w.rule as RuleName)}\n${w.message}\n${renderExcerpt(w.source)}`);
  return `Check complete, ${n} ${n === 1 ? 'warning has' : 'warnings have'} been found!\n${parts.join('')}`;
}

const errorText = ({ message, source: at, hints }: SlipwayError): string =>
  `ERROR: ${message}\n${at ? renderExcerpt(at) : ''}${hints.length > 0 ? `\n${hints.map((h) => `hint: ${h}\n`).join('')}` : ''}`;

/** The comment above that begins with the name of what it describes. */
function descriptionOf(comments: readonly string[], name: string | undefined): { description?: string } {
  const found = name === undefined ? undefined : comments.find((comment) => comment.startsWith(`${name} `));
  return found === undefined ? {} : { description: found.slice(name!.length + 1) };
}

function targetsOf(dockerfile: Dockerfile) {
  const last = dockerfile.stages.length - 1;
  return dockerfile.stages.map((stage) => ({
    ...(stage.name !== undefined && { name: stage.name }),
    ...(stage.index === last && { default: true }),
    ...descriptionOf(stage.comments, stage.name),
    base: stage.from.base,
    ...(stage.from.platform !== undefined && { platform: stage.from.platform }),
    location: location(stage.from.range),
  }));
}

function shownOutline({ dockerfile, target, outline }: Examined) {
  const mounts = (list: Examined['outline']['secrets']) =>
    list.map(({ name, required, range }) => ({ name, ...(required && { required }), location: location(range) }));
  // lists are left out when they are empty
  return {
    ...(target.name !== undefined && { name: target.name }),
    ...descriptionOf(target.comments, target.name),
    ...(outline.args.length > 0 && {
      args: outline.args.map(({ name, comments, value, range }) => ({
        name,
        ...descriptionOf(comments, name),
        ...(value && { value }),
        location: location(range),
      })),
    }),
    ...(outline.secrets.length > 0 && { secrets: mounts(outline.secrets) }),
    ...(outline.ssh.length > 0 && { ssh: mounts(outline.ssh) }),
    sources: [source(dockerfile.text)],
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
