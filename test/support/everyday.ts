// Everyday command lines of `docker` in a text file, with what they print: how such a file is read, run and written. A file is a scenario, whose lines
// run one after the other in a folder of their own; the recorder runs them on a real Docker, the tests on Slipway.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { findExecutable, removeTree } from '../../src/sys/index.ts';

/** What a command line gave, with what differs between two runs on one engine replaced by words. */
export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
}

/** Who answers: Slipway's own command line, or its API to Docker's command line. */
export type Side = 'cli' | 'api';

export interface Line {
  readonly command: string;
  readonly recorded: Outcome;
  /** Where Slipway answers something else: why, and what. */
  readonly differs: ReadonlyMap<Side, { readonly why: string; readonly outcome: Outcome }>;
}

export interface Scenario {
  /** Lines of comment at the start of the file; the first one is its name. */
  readonly about: readonly string[];
  readonly lines: readonly Line[];
}

const NO_OUTCOME: Outcome = { stdout: '', stderr: '', status: 0 };
const NO_NEWLINE = '\\ no newline at the end';

/** Of a file: `# ` what it is about, `$ ` a command line, `| ` its output, `! ` its errors, `= ` its exit code when it is not 0, `~cli ` or `~api ` why what
 * follows is Slipway's answer. */
export function parseScenario(text: string): Scenario {
  const about: string[] = [];
  const lines: { command: string; recorded: Outcome; differs: Map<Side, { why: string; outcome: Outcome }> }[] = [];
  let side: Side | undefined;
  const change = (how: (o: Outcome) => Outcome): void => {
    const line = lines.at(-1);
    if (line === undefined) throw new Error('output before the first command line');
    if (side === undefined) line.recorded = how(line.recorded);
    else {
      const there = line.differs.get(side);
      if (there !== undefined) line.differs.set(side, { ...there, outcome: how(there.outcome) });
    }
  };
  for (const row of text.split('\n')) {
    const rest = row.slice(2);
    if (row === '') continue;
    const [, other, why = ''] = /^~(cli|api) (.*)/.exec(row) ?? [];
    if (other !== undefined) {
      side = other as Side;
      lines.at(-1)?.differs.set(side, { why, outcome: NO_OUTCOME });
    } else if (row.startsWith('# ')) about.push(rest);
    else if (row.startsWith('$ ')) {
      side = undefined;
      lines.push({ command: rest, recorded: NO_OUTCOME, differs: new Map() });
    } else if (row === NO_NEWLINE) change((o) => ({ ...o, stdout: o.stdout.replace(/\n$/, '') }));
    else if (/^\|( |$)/.test(row)) change((o) => ({ ...o, stdout: `${o.stdout}${rest}\n` }));
    else if (/^!( |$)/.test(row)) change((o) => ({ ...o, stderr: `${o.stderr}${rest}\n` }));
    else if (row.startsWith('= ')) change((o) => ({ ...o, status: rest === 'null' ? null : Number(rest) }));
    else throw new Error(`not a line of a scenario: ${row}`);
  }
  return { about, lines };
}

export function formatScenario({ about, lines }: Scenario): string {
  const rows = about.map((a) => `# ${a}`);
  for (const { command, recorded, differs } of lines) {
    rows.push('', `$ ${command}`, ...formatOutcome(recorded));
    for (const [side, { why, outcome }] of differs) rows.push(`~${side} ${why}`, ...formatOutcome(outcome));
  }
  return `${rows.join('\n')}\n`;
}

function formatOutcome({ stdout, stderr, status }: Outcome): string[] {
  const rows = (sign: string, text: string): string[] =>
    text === ''
      ? []
      : text
          .replace(/\n$/, '')
          .split('\n')
          .map((l) => `${sign} ${l}`.trimEnd());
  return [
    ...rows('|', stdout),
    ...(stdout !== '' && !stdout.endsWith('\n') ? [NO_NEWLINE] : []),
    ...rows('!', stderr),
    ...(status === 0 ? [] : [`= ${status}`]),
  ];
}

/** What no two runs have in common: identifiers, moments, and how wide a column became by them. */
function withoutChance(text: string): string {
  const plain = text
    .replaceAll('\r\n', '^M\n')
    .replace(/\b[0-9a-f]{64}\b/g, 'ID')
    .replace(/\b(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{12}\b/g, 'SHORT')
    .replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g, 'TIME')
    .replace(/\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [+-]\d{4} \S+/g, 'TIME')
    .replace(/\b(Less than a second|About an? (?:minute|hour)|\d+ (?:second|minute|hour)s?)(?= ago\b)/g, 'SOME TIME')
    .replace(/\bUp (?:Less than a second|About an? (?:minute|hour)|\d+ (?:second|minute|hour)s?)/g, 'Up SOME TIME')
    .replace(/\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b/g, 'MAC');
  return plain === text ? text : plain.replace(/(?<=\S) {2,}(?=\S)/g, '  ').replace(/ +$/gm, '');
}

/** Parts of the real engine that say that they pass on an error: Slipway has none of them. */
const PASSED_ON =
  /(?:failed to create task for container: |failed to create shim task: |OCI runtime (?:create|exec) failed: |runc create failed: |exec failed: |error during container init: )+/g;

const withoutParts = ({ stdout, stderr, status }: Outcome): Outcome => ({
  stdout: stdout.replace(PASSED_ON, ''),
  stderr: stderr.replace(PASSED_ON, ''),
  status,
});

/** What the real command line says a second time, after the engine's own words. */
const AGAIN = /^(?:failed to start containers: |failed to rename container named |exit status 1$)/;

/** The house style of Slipway's messages beside Docker's: who says it, where help is found, and hints do not count; the words do. */
function withoutStyle({ stdout, stderr, status }: Outcome): Outcome {
  const words = stderr
    .split('\n')
    .map((l) =>
      l.replace(/^(?:docker: )?(?:Error response from daemon: |Error: |error: |WARNING: |warning: )?/, '').replaceAll('slipway', 'docker'),
    )
    .filter((l) => l !== '' && !AGAIN.test(l) && !/^(hint: |Run '.*--help'|See '.*--help'|Usage: )/.test(l));
  return { stdout, stderr: words.length === 0 ? '' : `${words.join('\n')}\n`, status };
}

/** A folder with a program `docker`, and the environment in which its lines run. */
export class Surroundings implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'everyday-'));
  readonly #environment: NodeJS.ProcessEnv;
  readonly #root: string;

  /** @param program what `docker` is. @param root where the engine keeps everything. @param environment what `docker` is told besides */
  constructor(program: string, root: string, environment: Readonly<Record<string, string>>) {
    this.#root = root;
    const bin = join(this.#folder, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'docker'), `#!/bin/sh\nexec '${program}' "$@"\n`, { mode: 0o755 });
    this.#environment = {
      PATH: `${bin}:${process.env['PATH'] ?? ''}`,
      HOME: this.#folder,
      DOCKER_CONFIG: join(this.#folder, 'config'),
      LC_ALL: 'C',
      TZ: 'UTC',
      TERM: 'xterm',
      NO_COLOR: '1',
      ...environment,
    };
  }

  /** Runs the lines of a scenario. @param onLine is given each outcome as it comes */
  async run(lines: readonly string[], onLine: (outcome: Outcome, at: number) => void): Promise<void> {
    const cwd = mkdtempSync(join(this.#folder, 'scenario-'));
    for (const [at, line] of lines.entries()) onLine(await this.line(line, cwd), at);
  }

  line(command: string, cwd = this.#folder): Promise<Outcome> {
    const child = spawn('bash', ['-c', command], { cwd, env: this.#environment, stdio: ['ignore', 'pipe', 'pipe'] });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (d: Buffer) => out.push(d));
    child.stderr.on('data', (d: Buffer) => err.push(d));
    const text = (chunks: readonly Buffer[]): string =>
      withoutChance(Buffer.concat(chunks).toString())
        .replaceAll(cwd, 'FOLDER')
        .replaceAll(this.#folder, 'HOME')
        .replaceAll(this.#root, 'ROOT');
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status) => resolve({ stdout: text(out), stderr: text(err), status }));
    });
  }

  /** Imports the image `box` that the lines use: busybox, some users, a place for volumes. */
  async importBox(): Promise<void> {
    const archive = join(this.#folder, 'box.tar');
    writeBox(join(this.#folder, 'box'), archive);
    const changes = ['CMD ["sh"]', 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'].map((c) => `-c '${c}'`);
    const { status, stderr } = await this.line(`docker import ${changes.join(' ')} ${archive} box`);
    if (status !== 0) throw new Error(stderr);
  }

  [Symbol.dispose](): void {
    removeTree(this.#folder);
  }
}

function writeBox(folder: string, archive: string): void {
  const busybox = findExecutable('busybox');
  if (busybox === undefined) throw new Error('the image of the command lines is made of the package busybox-static');
  for (const dir of ['bin', 'etc', 'root', 'seeded', 'tmp', 'var', 'dev', 'proc', 'sys']) mkdirSync(join(folder, dir), { recursive: true });
  copyFileSync(busybox, join(folder, 'bin/busybox'));
  chmodSync(join(folder, 'bin/busybox'), 0o755);
  chmodSync(join(folder, 'tmp'), 0o1777);
  const applets = spawnSync(busybox, ['--list'], { encoding: 'utf8' }).stdout.split('\n');
  for (const applet of applets) if (applet !== '' && applet !== 'busybox') symlinkSync('busybox', join(folder, 'bin', applet));
  writeFileSync(join(folder, 'seeded/file'), 'from the image\n');
  writeFileSync(
    join(folder, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/false\nuser:x:1000:1000::/home/user:/bin/sh\n',
  );
  writeFileSync(join(folder, 'etc/group'), 'root:x:0:\nwww-data:x:33:\nuser:x:1000:\nextra:x:2000:user\n');
  const { status, stderr } = spawnSync(
    'tar',
    ['--owner=0', '--group=0', '--numeric-owner', '--mtime=@0', '--sort=name', '-cf', archive, '-C', folder, '.'],
    {
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(stderr);
}

/** Runs a scenario's lines as one test, and says of each line how it differs from what the real Docker printed. */
export async function replay(t: TestContext, docker: Surroundings, scenario: Scenario, side: Side): Promise<void> {
  const plain = (o: Outcome): Outcome => (side === 'cli' ? withoutStyle(withoutParts(o)) : withoutParts(o));
  const found: string[] = [];
  await docker.run(
    scenario.lines.map((l) => l.command),
    (outcome, at) => {
      const line = scenario.lines[at];
      if (line === undefined) return;
      const expected = plain(line.differs.get(side)?.outcome ?? line.recorded);
      const [is, must] = [formatOutcome(plain(outcome)), formatOutcome(expected)];
      if (is.join('\n') !== must.join('\n'))
        found.push(`$ ${line.command}`, ...must.map((r) => `  - ${r}`), ...is.map((r) => `  + ${r}`), '');
      else if (line.differs.has(side) && formatOutcome(plain(line.recorded)).join('\n') === must.join('\n'))
        found.push(`$ ${line.command}`, '  answers as Docker does: it needs no word of its own', '');
    },
  );
  const left = await docker.line(
    "docker ps -aq; docker volume ls -q; docker network ls -q -f type=custom; docker images --format '{{.Repository}}' | grep -v '^box$'",
  );
  if (left.stdout !== '') found.push('left behind:', left.stdout);
  t.diagnostic(`${scenario.lines.length} command lines`);
  assert.ok(found.length === 0, found.join('\n'));
}

/** The lines were recorded with this version of the docker command line, and others have other words. */
const RECORDED_WITH = '28.5';

export const DOCKER_CLI = dockerCli();

function dockerCli(): string | undefined {
  const program = process.env['SLIPWAY_DOCKER_CLI'] ?? findExecutable('docker');
  if (program === undefined) return undefined;
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  return stdout?.startsWith(`Docker version ${RECORDED_WITH}.`) ? program : undefined;
}

/** For the `skip` of a test. */
export const noDockerCli =
  DOCKER_CLI === undefined && `there is no docker ${RECORDED_WITH}: put it on the PATH, or name it by SLIPWAY_DOCKER_CLI`;
