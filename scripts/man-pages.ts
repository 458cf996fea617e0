// Manual pages (man(7)), of the program and of each command, from the tables that the parser and the help have.
import type { Command, Option } from '../src/cli/command.ts';
import { ENTRIES, type Entry } from '../src/cli/commands/index.ts';
import { optionGroups } from '../src/cli/option-groups.ts';
import { guidePage, referencePage } from '../src/cli/pages.ts';

/** Pages by the names of their files: `slipway-image-ls.1`. Other names of a command are files that lead to its page. */
export async function manPages(version: string): Promise<Map<string, string>> {
  const pages = new Map<string, string>([['slipway.1', programPage(version)]]);
  const firsts = new Map<Entry['load'], string>();
  for (const { path, hidden, load } of ENTRIES) {
    if (hidden) continue;
    const first = firsts.get(load);
    if (first === undefined) firsts.set(load, path);
    pages.set(`${nameOf(path)}.1`, first === undefined ? commandPage(path, await load(), version) : `.so man1/${nameOf(first)}.1\n`);
  }
  return pages;
}

const nameOf = (path: string): string => `slipway-${path.replaceAll(' ', '-')}`;

/** Text of a page in ASCII: no character of it is a request, and a hyphen stays one that can be copied. */
const text = (line: string): string =>
  line
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/, '\\&')
    // oxlint-disable-next-line no-control-regex -- all that is not ASCII
    .replaceAll(/[^\0-\x7f]/gu, (c) => `\\[u${c.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}]`);

const head = (name: string, version: string, summary: string): string =>
  `.TH ${JSON.stringify(name.toUpperCase())} 1 "" ${JSON.stringify(`slipway ${version}`)} "Slipway"\n.ad l\n.SH NAME\n${text(name)} \\- ${text(summary)}\n`;

function optionEntry(o: Option): string {
  const value =
    o.type === 'boolean'
      ? ''
      : `${o.implied === undefined ? ' ' : '[='}\\fI${text(o.placeholder ?? o.type)}\\fR${o.implied === undefined ? '' : ']'}`;
  const names = `${o.short === undefined ? '' : `\\fB\\-${o.short}\\fR, `}\\fB\\-\\-${text(o.name)}\\fR${value}`;
  return `.TP\n${names}\n${text(o.help)}${o.type === 'list' ? '; may be repeated' : ''}.\n`;
}

function commandPage(path: string, c: Command, version: string): string {
  const groups = optionGroups(c).map(
    ({ title, options }) => `${title === '' ? '' : `.SS ${JSON.stringify(title)}\n`}${options.map(optionEntry).join('')}`,
  );
  const guide = guidePage(path);
  return [
    head(nameOf(path), version, c.summary),
    `.SH SYNOPSIS\n\\fBslipway ${text(path)}\\fR ${text(c.usage)}\n`,
    ...(groups.length === 0 ? [] : [`.SH OPTIONS\n${groups.join('')}`]),
    `.SH EXAMPLES\n${c.examples.map((e) => `.nf\n${text(e)}\n.fi\n`).join('.PP\n')}`,
    `.SH "SEE ALSO"\n.BR slipway (1)\n.PP\n${text([referencePage(path), guide].filter(Boolean).join(', '))}\n`,
  ].join('');
}

function programPage(version: string): string {
  const shown = ENTRIES.filter((e) => !e.hidden);
  const firsts = shown.filter((e, i) => shown.findIndex((other) => other.load === e.load) === i);
  return [
    head('slipway', version, 'build, ship and run container images, without a daemon'),
    '.SH SYNOPSIS\n\\fBslipway\\fR [\\fB\\-D\\fR] [\\fB\\-\\-config\\fR \\fIfolder\\fR] [\\fB\\-\\-log\\-level\\fR \\fIlevel\\fR] \\fIcommand\\fR [\\fIargument\\fR ...]\n',
    '.SH DESCRIPTION\nThe commands and flags are those of Docker; \\fBslipway\\fR \\fIcommand\\fR \\fB\\-\\-help\\fR prints what a page has.\n',
    `.SH COMMANDS\n${firsts.map(({ path, summary }) => `.TP\n.BR ${nameOf(path).replaceAll('-', '\\-')} (1)\n${text(summary)}.\n`).join('')}`,
    '.SH ENVIRONMENT\n.TP\n\\fBDOCKER_BUILDKIT\\fR\n0 builds with the original engine, 1 with the graph engine.\n.TP\n\\fBSLIPWAY_ROOT\\fR, \\fBSLIPWAY_RUN\\fR\nWhere images and containers are kept, and what is lost on a reboot.\n.PP\nAll of them: docs/reference/environment.md.\n',
    '.SH "EXIT STATUS"\n0 on success, 1 on failure, 125 for a mistake in the command line; \\fBrun\\fR and \\fBexec\\fR have that of the program.\n',
    '.SH EXAMPLES\n.nf\nslipway tour\nslipway build \\-t app .\nslipway run \\-\\-rm \\-p 8080:80 app\n.fi\n',
  ].join('');
}
