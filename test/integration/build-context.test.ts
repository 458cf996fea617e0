// Contexts: directories, archives and Dockerfiles from a stream, and which Dockerfile and which list of exclusions count.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, test } from 'node:test';
import { openContext } from '../../src/builder/context/index.ts';
import { openContextWord, openNamedWord } from '../support/contexts.ts';
import { memorySession } from '../support/session.ts';

let base = '';
let scratch = '';
const elsewhere = { environment: {}, session: memorySession() };
const opening = () => ({ scratch, elsewhere, signal: new AbortController().signal });
beforeEach(() => {
  base = mkdtempSync('/dev/shm/slipway-context-');
  scratch = join(base, 'scratch');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(join(base, path)), { recursive: true });
  writeFileSync(join(base, path), text);
}
const directory = (): { kind: 'directory'; path: string } => ({ kind: 'directory', path: join(base, 'c') });

test('a directory stays where it is', async () => {
  put('c/Dockerfile', 'FROM scratch\n');
  using context = await openContext(directory(), { ...opening(), wording: 'graph' });
  assert.equal(context.root, join(base, 'c'));
  assert.equal(context.ignore, undefined);
  const { name, text } = context.dockerfile();
  assert.deepEqual([name, text], ['Dockerfile', 'FROM scratch\n']);
  context.dispose();
  assert.ok(existsSync(join(base, 'c/Dockerfile')));
});

test('the Dockerfile may be a link, have a small letter, or another name', async () => {
  put('c/real', 'real');
  symlinkSync('real', join(base, 'c/Dockerfile'));
  assert.equal((await openContext(directory(), { ...opening(), wording: 'graph' })).dockerfile().text, 'real');
  rmSync(join(base, 'c/Dockerfile'));
  put('c/dockerfile', 'small');
  assert.equal((await openContext(directory(), { ...opening(), wording: 'classic' })).dockerfile().text, 'small');
  put('My.Dockerfile', 'mine');
  const dockerfile = { path: join(base, 'My.Dockerfile'), name: 'My.Dockerfile' };
  const { name, text } = (await openContext(directory(), { ...opening(), wording: 'graph', dockerfile })).dockerfile();
  assert.deepEqual([name, text], ['My.Dockerfile', 'mine']);
});

test('what is missing is told in the words of each engine', async () => {
  await assert.rejects(openContextWord('nowhere', { scratch, cwd: base }), {
    code: 'context.not-found',
    message: 'unable to prepare context: path "nowhere" not found',
  });
  mkdirSync(join(base, 'c'));
  const graph = await openContext(directory(), { ...opening(), wording: 'graph' });
  assert.throws(() => graph.dockerfile(), {
    code: 'context.no-dockerfile',
    message: 'failed to read dockerfile: open Dockerfile: no such file or directory',
  });
  const classic = await openContext(directory(), {
    ...opening(),
    wording: 'classic',
    dockerfile: { path: join(base, 'No.Such'), name: 'No.Such' },
  });
  assert.throws(() => classic.dockerfile(), { message: /No\.Such: no such file or directory$/ });
});

test('the list beside a Dockerfile wins in the graph engine only', async () => {
  put('c/.dockerignore', 'common');
  put('c/x/D', 'FROM scratch');
  put('c/x/D.dockerignore', 'own');
  const excluded = async (wording: 'graph' | 'classic'): Promise<string[]> => {
    const { ignore } = await openContext(directory(), { ...opening(), wording, dockerfile: 'x/D' });
    return ['common', 'own'].filter((p) => ignore!.matches(p).excluded);
  };
  assert.deepEqual(await excluded('graph'), ['own']);
  assert.deepEqual(await excluded('classic'), ['common']);
});

test('a pattern that is none stops the build', async () => {
  put('c/.dockerignore', 'a\n[\n');
  await assert.rejects(openContext(directory(), { ...opening(), wording: 'graph' }), { message: /syntax error in pattern/ });
  await assert.rejects(openContext(directory(), { ...opening(), wording: 'classic' }), {
    message: /error checking context: .*syntax error in pattern/,
  });
});

test('a directory in the place of the list is an error to the original engine, and nothing to the graph engine', async () => {
  put('c/Dockerfile', 'FROM scratch');
  put('c/.dockerignore/x', 'x');
  assert.equal((await openContext(directory(), { ...opening(), wording: 'graph' })).ignore, undefined);
  await assert.rejects(openContext(directory(), { ...opening(), wording: 'classic' }), {
    message: /^error reading \.dockerignore: read .*\/\.dockerignore: is a directory$/,
  });
});

test('an archive is unpacked, compressed or not, and goes with the context', async () => {
  put('src/Dockerfile', 'FROM scratch');
  put('src/d/x', 'x');
  for (const flag of ['', 'z', 'j', 'J']) {
    const archive = execFileSync('tar', [`-c${flag}`, '-C', join(base, 'src'), '.']);
    const context = await openContext(
      { kind: 'stream', stream: Readable.from([archive.subarray(0, 5), archive.subarray(5)]) },
      { ...opening(), wording: 'graph' },
    );
    assert.equal(context.dockerfile().text, 'FROM scratch');
    assert.equal(readFileSync(join(context.root, 'd/x'), 'utf8'), 'x');
    context.dispose();
    assert.deepEqual(readdirSync(scratch), []);
  }
});

test('a text on the stream is a Dockerfile with nothing to copy', async () => {
  using context = await openContext(
    { kind: 'stream', stream: Readable.from([Buffer.from('FROM scratch\n')]) },
    { ...opening(), wording: 'classic' },
  );
  assert.equal(context.dockerfile().text, 'FROM scratch\n');
  assert.deepEqual(readdirSync(context.root), []);
  await assert.rejects(openContext({ kind: 'stream', stream: Readable.from([]) }, { ...opening(), wording: 'graph' }), {
    code: 'context.empty-input',
  });
});

test('an archive that leads outside is refused, and nothing of it stays', async () => {
  const script =
    "import io,sys,tarfile\nt=tarfile.open(fileobj=sys.stdout.buffer,mode='w|')\ni=tarfile.TarInfo('../evil')\nt.addfile(i,io.BytesIO(b''))\nt.close()";
  const archive = execFileSync('python3', ['-c', script]);
  await assert.rejects(openContext({ kind: 'stream', stream: Readable.from([archive]) }, { ...opening(), wording: 'graph' }), {
    code: 'archive.outside',
  });
  assert.deepEqual(readdirSync(scratch), []);
});

test('named contexts', async () => {
  put('other/a', 'a');
  const o = { scratch, cwd: base };
  const named = await openNamedWord('other', 'other', o);
  assert.equal(named.kind === 'directory' && named.context?.root, join(base, 'other'));
  assert.deepEqual(await openNamedWord('img', 'docker-image://busybox', o), { kind: 'image', ref: 'busybox' });
  await assert.rejects(openNamedWord('other', '../extra/nowhere', o), { message: /\.\.\/extra\/nowhere/ });
});
