// `slipway test`: each kind of test passes for what is right and says what is wrong, in Slipway's form and in container-structure-test's.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseImageTests } from '../../src/engine/index.ts';
import { isSlipwayError } from '../../src/model/index.ts';
import { openShop } from '../support/shop.ts';

const shop = openShop('image-tests');
const DOCKERFILE = `FROM busybox
RUN echo app:x:1000:1000::/app:/bin/sh >> /etc/passwd && echo app:x:1000: >> /etc/group && mkdir /app && echo "v 1.2" > /app/version \\
  && chown app:app /app/version && chmod 640 /app/version && ln -s version /app/link && ln -s /etc/hostname-of-nobody /app/broken \\
  && echo x > /app/su && chmod 4755 /app/su && mkdir -p /var/lib/dpkg && mkfifo /app/pipe \\
  && printf 'Package: gcc\\nStatus: install ok installed\\nVersion: 12\\nArchitecture: amd64\\n' > /var/lib/dpkg/status
ENV A=b
LABEL l=m
EXPOSE 80
VOLUME /data
USER app
WORKDIR /app
ENTRYPOINT ["cat"]
CMD ["version"]
`;
before(async () => {
  await shop.makeImages();
  const dir = join(shop.folder, 'tested');
  mkdirSync(dir);
  writeFileSync(join(dir, 'Dockerfile'), DOCKERFILE);
  await shop.ok('build', '-q', '-t', 'tested', dir);
});
after(() => shop.close());

let files = 0;
function file(text: string): string {
  const path = join(shop.folder, `${files++}.yaml`);
  writeFileSync(path, text);
  return path;
}
const lines = async (text: string, ...more: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> =>
  shop.run('test', '-f', file(text), ...more, 'tested');

test('what is as the file says passes', async () => {
  const { status, stdout, stderr } = await lines(`
files:
  /app/version: { type: file, mode: 0640, owner: app:app, contains: '^v 1', lacks: [secret, password] }
  /app/link: { contains: v }
  /app/broken: { type: link }
  /app: { type: directory, owner: root }
  /app/nothing: absent
  /app/version/below: absent
  /app/pipe: present
commands:
  - { run: [cat, version], stdout: 'v 1\\.2' }
  - { run: 'echo out; echo err >&2; exit 3', stdout: { matches: out, lacks: err }, stderr: [err, '(?i)ERR'], exit: 3 }
  - name: on what was set up
    setup: ['echo hello > /tmp/x', [cp, /tmp/x, /tmp/y]]
    run: cat /tmp/x /tmp/y && echo "$WHO $(id -u) $PWD"
    env: { WHO: me }
    user: '0'
    workdir: /tmp
    stdout: 'hello\\nhello\\nme 0 /tmp'
image: { user: app, workdir: /app, entrypoint: [cat], cmd: version, env: { A: b }, labels: { l: m }, ports: [80], volumes: [/data] }
limits: { size: 20MB, layers: 4 }
no-setuid: { except: [/app/su] }
no-packages: [clang]
`);
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /^(?:ok .*\n){22}22 tests passed\n$/);
  assert.equal((await shop.ok('ps', '-aq')).stdout, '', 'no container is left');
  assert.equal((await shop.ok('images', '-q', '-f', 'dangling=true')).stdout, '', 'and no image');
});

test('what is not is said, each with its reason', async () => {
  const { status, stdout } = await lines(`
files:
  /app/missing: present
  /app/broken: { mode: 0644 }
  /app/su: absent
  /app/version: { type: directory, mode: 0644, owner: 'root:app', contains: v 2, lacks: v 1 }
  /app/pipe: { contains: x }
commands:
  - { run: [cat, version], stdout: v 2, exit: 1 }
  - { run: sleep 1000, timeout: 1 }
  - { run: [nosuch] }
  - { setup: ['echo why >&2; exit 7'], run: 'true' }
image: { user: root, cmd: [versions], env: { A: c, B: d }, labels: { l: n }, ports: [81/udp], volumes: [/log] }
limits: { size: 1kB, layers: 1 }
no-setuid: true
no-packages: [gcc, clang]
`);
  assert.equal(status, 1);
  assert.equal(
    stdout.replace(/ {2}\d+\.\d s$/gm, '').replace(/is \d[\d.]*MB/, 'is SIZE'),
    `FAIL  file /app/missing
      is not there
FAIL  file /app/broken
      is a link to nothing: /etc/hostname-of-nobody
FAIL  file /app/su
      is there
FAIL  file /app/version
      type is file, not directory
      mode is 0640, not 0644
      owner is 1000:1000, not root:app
      content does not match /v 2/: "v 1.2\\n"
      content matches /v 1/, and should not: "v 1.2\\n"
FAIL  file /app/pipe
      is no regular file but a pipe
FAIL  command cat version
      ended with exit code 0, not 1: "v 1.2"
      stdout does not match /v 2/: "v 1.2\\n"
FAIL  command sleep 1000
      was not over after 1 seconds
FAIL  command nosuch
      unable to start container process: exec: "nosuch": executable file not found in $PATH
FAIL  command true
      setup /bin/sh -c echo why >&2; exit 7 ended with exit code 7: "why"
FAIL  user
      is "app", not "root"
FAIL  cmd
      is ["version"], not ["versions"]
FAIL  variable A
      is "b", not "c"
FAIL  variable B
      is not set
FAIL  label l
      is "m", not "n"
FAIL  port 81/udp
      is not one of 80/tcp
FAIL  volume /log
      is not one of /data
FAIL  size at most 1kB
      is SIZE, and at most 1kB is allowed
FAIL  at most 1 layer
      has 3 layers
FAIL  no setuid files
      /app/su has mode 4755
FAIL  no packages: gcc, clang
      gcc 12 is installed (/var/lib/dpkg/status)
20 of 20 tests failed
`,
  );
});

test('files of container-structure-test', async () => {
  const { status, stdout } = await lines(`
schemaVersion: "2.0.0"
globalEnvVars: [{ key: WHO, value: me }]
containerRunOptions: { user: root, capabilities: [NET_ADMIN] }
commandTests:
  - name: variables
    command: sh
    args: [-c, 'echo "$WHO $MORE $(id -u)"; echo no >&2']
    envVars: [{ key: MORE, value: too }]
    expectedOutput: ['^me too 0\\n$']
    excludedOutput: ['no']
    expectedError: ['no']
    setup: [[sh, -c, 'touch /tmp/setup']]
    teardown: [[test, -e, /tmp/setup]]
  - { name: code, command: sh, args: [-c, 'exit 4'], exitCode: 4 }
fileExistenceTests:
  - { name: version, path: /app/version, permissions: '-rw-r-----', uid: 1000, gid: 1000 }
  - { name: su, path: /app/su, permissions: '-rwsr-xr-x', isExecutableBy: other }
  - { name: nothing, path: /nothing, shouldExist: false }
  - { name: unexecutable, path: /app/version, isExecutableBy: any }
fileContentTests:
  - { name: version, path: /app/version, expectedContents: ['v \\d'], excludedContents: ['x'] }
metadataTest:
  envVars: [{ key: A, value: '^b$', isRegex: true }]
  labels: [{ key: l, value: m }]
  exposedPorts: ["80"]
  unexposedPorts: ["81"]
  volumes: [/data]
  unmountedVolumes: [/log]
  entrypoint: [cat]
  cmd: [version]
  workdir: /app
  user: app
`);
  assert.equal(stdout.match(/^ok /gm)?.length, 16, stdout);
  assert.match(stdout, /FAIL {2}file unexecutable\n {6}is executable by nobody: mode 0640\n/);
  assert.equal(status, 1);
});

test('results as JSON and JUnit, also into a file', async () => {
  const tests = 'files: { /app/version: present, "/a<b>&\\"c": present }\n';
  const json = JSON.parse((await lines(tests, '--format', 'json')).stdout) as { id: string; results: object[] };
  assert.equal(json.id, await shop.id('tested'));
  assert.deepEqual(
    json.results.map((r) => ({ ...r, ms: 0 })),
    [
      { name: 'file /app/version', kind: 'file', passed: true, problems: [], ms: 0 },
      { name: 'file /a<b>&"c', kind: 'file', passed: false, problems: ['is not there'], ms: 0 },
    ],
  );
  const output = join(shop.folder, 'report.xml');
  const { stdout, status } = await lines(tests, '--format', 'junit', '-o', output);
  assert.equal(status, 1);
  assert.match(stdout, /1 of 2 tests failed\n$/);
  const xml = readFileSync(output, 'utf8').replaceAll(/time="[\d.]+"/g, 'time=""');
  assert.equal(
    xml,
    `<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="2" failures="1" errors="0" time="">
  <testsuite name="tested" tests="2" failures="1" errors="0" time="">
    <testcase name="file /app/version" classname="tested.file" time=""/>
    <testcase name="file /a&lt;b&gt;&amp;&quot;c" classname="tested.file" time="">
      <failure message="is not there">is not there</failure>
    </testcase>
  </testsuite>
</testsuites>
`,
  );
});

test('what cannot be read is refused with its line', async () => {
  const refused = (text: string, message: RegExp): void => {
    assert.throws(
      () => parseImageTests(text, 't.yaml'),
      (e) => {
        assert.ok(isSlipwayError(e) && e.code === 'test.invalid', String(e));
        assert.match(e.message, message);
        return true;
      },
    );
  };
  refused('files:\n  /a: maybe\n', /^t\.yaml:2: files\.\/a: 'maybe' is none of present, absent$/);
  refused('files:\n  a: present\n', /^t\.yaml:2: files\.a: a path begins with \//);
  refused('files:\n  /a: { mode: 999 }\n', /^t\.yaml:2: files\.\/a\.mode: '999' is no mode in octal/);
  refused('file:\n  /a: present\n', /^t\.yaml:2: file: is not known here; known: files, commands/);
  refused('commands:\n  - run: x\n    stdout: "("\n', /^t\.yaml:3: commands\[0\]\.stdout: Invalid regular expression/);
  refused('commands:\n  - run: x\n    timeout: 0\n', /^t\.yaml:3: commands\[0\]\.timeout: seconds, from 1/);
  refused('commands: [{}]', /^t\.yaml:1: commands\[0\]: says nothing to run/);
  refused('limits: { size: big }\n', /^t\.yaml:1: limits\.size: 'big' is no size/);
  refused('a: [1\n', /^t\.yaml:2: /);
  refused('- a\n', /is no file of tests: a map is expected/);
  refused('', /is no file of tests: a map is expected/);
  refused('{}', /has no tests/);
  refused('files: &a { /x: present }\nimage: *a\n', /aliases are not read/);
  refused('schemaVersion: 1.0.0\n', /only 2\.0\.0 is read/);
  refused('schemaVersion: 2.0.0\nlicenseTests: []\n', /^t\.yaml:2: licenseTests: licenses are not read from images/);
  refused('schemaVersion: 2.0.0\ncontainerRunOptions: { bindMounts: [/:/x] }\n', /a test has nothing of the machine/);
  const run = await lines('files:\n  /a: maybe\n');
  assert.deepEqual([run.status, run.stdout], [125, '']);
  const missing = await shop.run('test', '-f', join(shop.folder, 'nowhere.yaml'), 'tested');
  assert.match(missing.stderr, /nowhere\.yaml: no such file or directory/);
  assert.match((await shop.run('test', 'tested')).stderr, /no tests are given/);
});
