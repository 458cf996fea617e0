// `build --output`: the files and archives that a build leaves, and that nothing else of it stays in the store.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { removeTree } from '../../src/sys/index.ts';

const folder = mkdtempSync('/dev/shm/slipway-outputs-');
const context = join(folder, 'context');
const env = {
  ...process.env,
  SLIPWAY_ROOT: join(folder, 'root'),
  SLIPWAY_RUN: join(folder, 'run'),
  SLIPWAY_SOURCES: process.env['SLIPWAY_SOURCES'] ?? '1',
};
const bin = fileURLToPath(new URL('../../bin/slipway', import.meta.url));
const at = (name: string): string => join(folder, name);

function slipway(args: readonly string[], extra: Record<string, string> = {}): { status: number | null; stdout: Buffer; stderr: string } {
  const { status, stdout, stderr } = spawnSync(bin, args, { cwd: context, env: { ...env, ...extra } });
  return { status, stdout, stderr: stderr.toString() };
}
function build(...outputs: string[]): Buffer {
  const result = slipway(['build', '-t', 'named', ...outputs.flatMap((o) => ['-o', o]), '.']);
  assert.equal(result.status, 0, result.stderr);
  return result.stdout;
}
const images = (): string => slipway(['images', '-a', '-q']).stdout.toString();

before(() => {
  mkdirSync(join(context, 'files'), { recursive: true });
  writeFileSync(join(context, 'files/a'), 'a\n', { mode: 0o640 });
  symlinkSync('a', join(context, 'files/l'));
  writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\nCOPY --chown=7:8 files /d/\nCMD ["/d/a"]\n');
});
after(() => removeTree(folder));

test("a folder: the files, as the user's own", () => {
  mkdirSync(at('local'));
  writeFileSync(at('local/stays'), '');
  build(at('local'));
  assert.deepEqual(readdirSync(at('local')).sort(), ['d', 'stays']);
  const { mode, uid } = lstatSync(at('local/d/a'));
  assert.deepEqual([mode & 0o777, uid], [0o640, process.geteuid!()]);
  assert.ok(lstatSync(at('local/d/l')).isSymbolicLink());
});

test('a link in the folder does not lead out of it', () => {
  mkdirSync(at('trap'));
  mkdirSync(at('elsewhere'));
  symlinkSync(at('elsewhere'), at('trap/d'));
  assert.notEqual(slipway(['build', '-o', at('trap'), '.']).status, 0);
  assert.deepEqual(readdirSync(at('elsewhere')), []);
});

test('archives: of the files, of an image for Docker, of an OCI layout; several at once', () => {
  build(
    `type=tar,dest=${at('files.tar')}`,
    `type=docker,dest=${at('docker.tar')}`,
    `type=oci,dest=${at('oci.tar')}`,
    `type=oci,dest=${at('layout')},tar=false`,
  );
  const list = (name: string): string => execFileSync('tar', ['-tvf', at(name), '--numeric-owner'], { encoding: 'utf8' });
  assert.match(list('files.tar'), /7\/8 .* d\/a$/m);
  assert.match(execFileSync('tar', ['-xOf', at('docker.tar'), 'manifest.json'], { encoding: 'utf8' }), /"named:latest"/);
  assert.ok(!list('oci.tar').includes('manifest.json'));
  assert.match(readFileSync(join(at('layout'), 'oci-layout'), 'utf8'), /imageLayoutVersion/);
  assert.equal(images(), '', 'only what is asked for stays');
  assert.equal(slipway(['load', '-q', '-i', at('docker.tar')]).status, 0);
  assert.match(images(), /\w/);
  build('type=cacheonly');
  assert.match(images(), /\w/, 'what was there before stays');
});

test('a tar on standard output', () => {
  const listed = execFileSync('tar', ['-t'], { input: build('-'), encoding: 'utf8' });
  assert.match(listed, /^d\/a$/m);
});

test('what cannot be is told', () => {
  const fails = (output: string, message: RegExp): void => {
    const { status, stderr } = slipway(['build', '-o', output, '.']);
    assert.equal(status, 1);
    assert.match(stderr, message);
  };
  fails('type=floppy', /exporter "floppy" could not be found/);
  fails('type=local', /dest is required for local exporter/);
  fails('type=oci,dest=x,colour=red', /no attribute "colour"/);
  fails('type=registry', /tag is needed when pushing to registry/);
  const classic = slipway(['build', '-o', 'x', '.'], { DOCKER_BUILDKIT: '0' });
  assert.match(classic.stderr, /requires BuildKit/);
  assert.ok(!existsSync(join(context, 'x')));
});

test('of a layout for several platforms each stage takes the image for its own, whatever becomes of it', () => {
  const cross = join(folder, 'Dockerfile.cross');
  writeFileSync(cross, 'FROM scratch\nARG TARGETARCH\nCOPY <<E /arch\n$TARGETARCH\nE\n');
  const both = ['--platform', 'linux/amd64,linux/arm64'];
  const made = slipway(['build', '-f', cross, ...both, '-o', `type=oci,dest=${at('cross')},tar=false`, '.']);
  assert.equal(made.status, 0, made.stderr);
  const from = ['--build-context', `foo=oci-layout://${at('cross')}`];
  const alone = join(folder, 'Dockerfile.alone');
  writeFileSync(alone, 'FROM foo\n');
  for (const arch of ['amd64', 'arm64']) {
    const out = slipway(['build', '-f', alone, ...from, '--platform', `linux/${arch}`, '-o', at(`alone-${arch}`), '.']);
    assert.equal(out.status, 0, out.stderr);
    assert.equal(readFileSync(at(`alone-${arch}/arch`), 'utf8'), `${arch}\n`);
  }
  const split = slipway(['build', '-f', alone, ...from, ...both, '-o', at('alone'), '.']);
  assert.equal(split.status, 0, split.stderr);
  assert.equal(readFileSync(at('alone/linux_arm64/arch'), 'utf8'), 'arm64\n');
  assert.equal(readFileSync(at('alone/linux_amd64/arch'), 'utf8'), 'amd64\n');
  const missing = slipway(['build', '-f', alone, ...from, '--platform', 'linux/s390x', '.']);
  assert.match(missing.stderr, /no match for platform linux\/s390x in manifest: not found/);
});

test('what one build writes as a layout, another takes as a named context', () => {
  build(`type=oci,dest=${at('base')},tar=false`);
  const before = images();
  const dockerfile = join(folder, 'Dockerfile.layout');
  writeFileSync(dockerfile, 'FROM base\nCOPY --from=again /d/a /copied\n');
  const contexts = ['--build-context', `base=oci-layout://${at('base')}`, '--build-context', `again=oci-layout://${at('base')}:latest`];
  const result = slipway(['build', '-f', dockerfile, ...contexts, '-o', at('of-layout'), '.']);
  assert.equal(result.status, 0, result.stderr);
  assert.equal(readFileSync(at('of-layout/copied'), 'utf8'), 'a\n');
  assert.equal(readFileSync(at('of-layout/d/a'), 'utf8'), 'a\n');
  assert.equal(images(), before, 'the images of the layout do not stay');
  const missing = slipway(['build', '-f', dockerfile, '--build-context', `base=oci-layout://${at('base')}:other`, '.']);
  assert.notEqual(missing.status, 0);
  assert.match(missing.stderr, /the layout has no image tagged other/);
  assert.match(missing.stderr, /Dockerfile.layout:1/);
});
