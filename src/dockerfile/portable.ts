// What only this program understands: found, and turned into what every builder does where that can be.
import { isSlipwayError, SlipwayError } from '../model/index.ts';
import { isFeatures, readDirective } from './directives.ts';
import { excerptOf, type SourceFile } from './errors.ts';
import type { Inclusion } from './include.ts';
import type { Instruction } from './instructions/types.ts';
import { LineReader } from './source.ts';
import { type Dockerfile, type DockerfileOptions, parseDockerfile } from './stages.ts';

/** What stands in an instruction by leave of `# slipway:features`. */
export function nonPortable(i: Instruction): string | undefined {
  if (i.file.features === undefined) return undefined;
  const flag = i.kind === 'RUN' ? i.node.flags.find(({ text }) => /^--(?:no-cache|retry|memory|cpus)\b/.test(text)) : undefined;
  if (flag !== undefined) return `RUN ${flag.text}`;
  if (i.kind === 'COPY' && i.from?.includes('$')) return `COPY --from=${i.from}`;
  const mount = i.kind === 'RUN' ? i.mounts.find(({ from }) => from?.includes('$')) : undefined;
  return mount && `--mount=${mount.text}`;
}

const RULE = 'NonPortableSyntax';

/**
 * The file with what it includes in place, for any builder.
 * @throws SlipwayError as `parseDockerfile` does; failed-precondition `dockerfile.flatten` for what has no plain form
 */
export function flattenDockerfile(input: string | Uint8Array, options: DockerfileOptions = {}): string {
  const dockerfile = parseDockerfile(input, options);
  refuse(dockerfile);
  const text = flattened(dockerfile, dockerfile.inclusions, undefined);
  let sequence: string[] | undefined;
  try {
    sequence = instructionsOf(parseDockerfile(text, { name: dockerfile.name }));
  } catch (e) {
    if (!isSlipwayError(e)) throw e;
  }
  const wanted = instructionsOf(dockerfile);
  if (sequence !== undefined && sequence.length === wanted.length && sequence.every((one, i) => one === wanted[i])) return text;
  throw new SlipwayError(
    'failed-precondition',
    'dockerfile.flatten',
    'a part cannot stand where it is included: it ends within an instruction',
    {
      hints: dockerfile.inclusions.map(({ file, range, part }) => `${part.name}, included by ${file.name}:${range.start.line}`),
    },
  );
}

const all = ({ metaArgs, stages }: Dockerfile): Instruction[] => [
  ...metaArgs,
  ...stages.flatMap(({ from, commands }) => [from, ...commands]),
];

const instructionsOf = (dockerfile: Dockerfile): string[] =>
  all(dockerfile).map(({ node }) => JSON.stringify([node.original, node.heredocs.map(({ content }) => content)]));

/** @throws SlipwayError failed-precondition `dockerfile.flatten` */
function refuse(dockerfile: Dockerfile): void {
  const found = all(dockerfile).flatMap((i) => {
    const what = nonPortable(i);
    return what === undefined ? [] : [{ what, i }];
  });
  const [first] = found;
  if (first === undefined) return;
  throw new SlipwayError('failed-precondition', 'dockerfile.flatten', `${first.what} has no plain form`, {
    source: excerptOf(first.i.file, first.i.range),
    hints: found.slice(1).map(({ what, i }) => `nor has ${what} (${i.file.name}:${i.range.start.line})`),
  });
}

/** @param by what includes it: then its directives say nothing, for those of the Dockerfile hold */
function flattened({ text }: SourceFile, inclusions: readonly Inclusion[], by: Inclusion | undefined): string {
  const mine = inclusions.filter((one) => one.within === by);
  const reader = new LineReader(text);
  let result = '';
  let head = true;
  for (let line = reader.next(); line !== undefined; line = reader.next()) {
    const { number } = line;
    if (head) {
      const directive = readDirective(text, line, '#');
      head = directive !== undefined || isFeatures(text, line);
      if (head) {
        if (directive !== undefined && by === undefined)
          result += directive.name === 'check' ? checkLine(directive.value) : text.slice(line.start, line.next);
        continue;
      }
    }
    const inclusion = mine.find(({ range }) => range.start.line <= number && number <= range.end.line);
    if (inclusion === undefined) result += text.slice(line.start, line.next);
    else if (inclusion.range.start.line === number) result += ended(flattened(inclusion.part, inclusions, inclusion));
  }
  return ended(result);
}

const ended = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`);

/** Without the rule that no other builder has. */
function checkLine(value: string): string {
  const kept = value.split(';').flatMap((setting) => {
    const [key = '', list] = setting.split(/=(.*)/s);
    if (key.trim().toLowerCase() !== 'skip' || list === undefined) return [setting];
    const rules = list.split(',').filter((rule) => rule.trim() !== RULE);
    return rules.length === 0 ? [] : [`${key}=${rules.join(',')}`];
  });
  return kept.length === 0 ? '' : `# check=${kept.join(';')}\n`;
}
