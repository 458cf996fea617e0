// Everything that README, docs and samples ask their reader to type is typed, in a store and a network of its own; what they show must be seen.
// SLIPWAY_UPDATE=1 writes the outputs anew.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { agrees, type Part, partsOf, showsFailure, type Typed, withOutputs } from '../support/documents.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { openShop } from '../support/shop.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
/** The pages of the build checks have a test of their own. */
const PAGES = globSync(['README.md', 'docs/**/*.md', 'samples/**/*.md'], {
  cwd: PROJECT,
  exclude: ['docs/reference/checks/**'],
}).toSorted();
/** Images that take minutes and a network to make are used where they are. */
const HAS_SDKS = process.env['SLIPWAY_LAB_GO'] !== undefined;

const shop = openShop('documents');
const env: NodeJS.ProcessEnv = {
  ...shop.env,
  PATH: `${join(PROJECT, 'bin')}:${process.env['PATH']}`,
  HOME: shop.folder,
  XDG_STATE_HOME: join(shop.folder, 'state'),
  BUILDKIT_PROGRESS: 'plain',
  DOCKER_BUILDKIT: undefined,
};

let network: ChildProcess;
let registry: TestRegistry;
const inNetwork = (): [string, string] => ['nsenter', `--net=/proc/${network.pid}/ns/net`];

before(async () => {
  // prints a line when it is there, and ends with its input
  network = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up; echo; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  await new Promise((resolve) => network.stdout?.once('data', resolve));
  registry = await startRegistry({ folder: join(shop.folder, 'registry'), port: 5000, within: inNetwork() });
  await shop.ok('bootstrap', 'busybox');
});
after(async () => {
  await registry.stop();
  network.stdin?.end();
  shop.close();
});

interface Seen {
  readonly exitCode: number;
  readonly lines: readonly string[];
}

/** A mark between outputs that no program writes. */
const MARK = '\u0001';

/** Types commands into one shell, files being written before what follows them. */
function type(parts: readonly Part[], cwd: string): Promise<Map<Typed, Seen>> {
  const script = parts.map((part, i) => {
    if (part.kind === 'file') {
      const mode = part.text.startsWith('#!') ? `; chmod 755 '${part.path}'` : '';
      return `mkdir -p "$(dirname '${part.path}')"; printf %s ${quoted(part.text)} > '${part.path}'${mode}\n`;
    }
    return `${part.text}\nprintf '${MARK}%s ${i}${MARK}\\n' $?\n`;
  });
  const file = join(cwd, '..', 'script');
  writeFileSync(file, `exec 2>&1\n${script.join('')}`);
  const { promise, resolve, reject } = Promise.withResolvers<Map<Typed, Seen>>();
  const [program, ...first] = inNetwork();
  const child = spawn(program, [...first, 'bash', file], { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.on('error', reject);
  child.on('close', () => {
    const seen = new Map<Typed, Seen>();
    let from = 0;
    for (const found of output.matchAll(new RegExp(`${MARK}(\\d+) (\\d+)${MARK}\\n`, 'g'))) {
      const part = parts[Number(found[2])];
      if (part?.kind === 'command') seen.set(part, { exitCode: Number(found[1]), lines: output.slice(from, found.index).split('\n') });
      from = found.index + found[0].length;
    }
    resolve(seen);
  });
  return promise;
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

for (const page of PAGES) {
  const markdown = readFileSync(join(PROJECT, page), 'utf8');
  const parts = partsOf(markdown, () => HAS_SDKS);
  const commands = parts.filter((p): p is Typed => p.kind === 'command');
  if (commands.length === 0) continue;

  test(page, async () => {
    const cwd = join(shop.folder, 'pages', page.replaceAll('/', '-'), 'here');
    mkdirSync(cwd, { recursive: true });
    const seen = await type(parts, cwd);
    const left = (await shop.ok('ps', '-aq')).stdout.split('\n').filter(Boolean);
    if (left.length > 0) await type([{ ...(commands[0] as Typed), text: `slipway rm -f ${left.join(' ')}` }], cwd);
    if (process.env['SLIPWAY_UPDATE']) {
      const outputs = new Map([...seen].filter(([c, s]) => c.output && !agrees(c.output, s.lines)).map(([c, s]) => [c, s.lines]));
      writeFileSync(join(PROJECT, page), withOutputs(markdown, outputs));
      return;
    }
    for (const command of commands) {
      const at = `${page}:${command.line}: ${command.text}`;
      const { exitCode, lines } = seen.get(command) ?? assert.fail(`${at}: the shell ended before`);
      const text = lines.join('\n');
      if (command.output !== undefined && !agrees(command.output, lines))
        assert.fail(`${at}\nshown:\n${command.output.join('\n')}\nseen:\n${text}`);
      if (showsFailure(command.output)) assert.notEqual(exitCode, 0, `${at}: the page shows a failure`);
      else assert.equal(exitCode, 0, `${at}\n${text}`);
    }
  });
}
