// Results of tests as people, programs and CI read them.
import type { TestReport, TestResult } from '../engine/index.ts';
import { printable, printableJson } from '../util/index.ts';
import { oneLine } from './progress/display.ts';

/** A line, and one for each problem. */
export function resultText({ name, problems, ms }: TestResult, color: boolean): string {
  const paint = (code: number, text: string): string => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  const time = ms >= 1000 ? `  ${(ms / 1000).toFixed(1)} s` : '';
  const head = problems.length === 0 ? paint(32, 'ok  ') : paint(31, 'FAIL');
  return [`${head}  ${oneLine(name)}${time}\n`, ...problems.map((problem) => `      ${oneLine(problem)}\n`)].join('');
}

export function summaryText(results: readonly TestResult[]): string {
  const failed = results.filter(({ problems }) => problems.length > 0).length;
  const all = `${results.length} test${results.length === 1 ? '' : 's'}`;
  return failed === 0 ? `${all} passed\n` : `${failed} of ${all} failed\n`;
}

export const reportJson = (report: TestReport): string =>
  `${printableJson(
    JSON.stringify(
      {
        ...report,
        results: report.results.map(({ name, kind, problems, ms }) => ({ name, kind, passed: problems.length === 0, problems, ms })),
      },
      null,
      2,
    ),
  )}\n`;

/** JUnit's XML in the form that Jenkins, GitLab and Azure Pipelines read: a suite, its cases, a `failure` in those that failed. */
export function reportJunit(suite: string, results: readonly TestResult[]): string {
  const seconds = (ms: number): string => (ms / 1000).toFixed(3);
  const failed = results.filter(({ problems }) => problems.length > 0).length;
  const total = seconds(results.reduce((sum, { ms }) => sum + ms, 0));
  const cases = results.map(({ name, kind, problems, ms }) => {
    const head = `    <testcase name=${attribute(name)} classname=${attribute(`${suite}.${kind}`)} time="${seconds(ms)}"`;
    if (problems.length === 0) return `${head}/>\n`;
    return `${head}>\n      <failure message=${attribute(problems[0] ?? '')}>${escaped(problems.join('\n'))}</failure>\n    </testcase>\n`;
  });
  const counts = `tests="${results.length}" failures="${failed}" errors="0" time="${total}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    `<testsuites ${counts}>\n`,
    `  <testsuite name=${attribute(suite)} ${counts}>\n`,
    ...cases,
    '  </testsuite>\n</testsuites>\n',
  ].join('');
}

// control characters have no place in XML 1.0, not even as references
const escaped = (text: string): string =>
  printable(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
const attribute = (text: string): string => `"${escaped(text).replaceAll('\n', '&#10;')}"`;
