// SOURCE_DATE_EPOCH where files come from elsewhere: by HTTP, from Git, from named contexts and from the context itself. Two builds
// on stores of their own give the same bytes, though what they fetched says another time each time.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { TarParser } from '../../src/archive/index.ts';
import { openShop, type Shop } from '../support/shop.ts';

const EPOCH = 1_000_000_000;
const shop = openShop('source-date');
const at = (path: string): string => join(shop.folder, path);
/** ms since the epoch: what the server says of its files, another time in each build. */
let modified = Date.parse('2026-01-01T00:00:00Z');
let server: Server;
let web = '';
let counter = 0;

function sh(line: string): void {
  const { status, stderr } = spawnSync('sh', ['-ec', line], { cwd: shop.folder, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}

before(async () => {
  mkdirSync(at('context/sub'), { recursive: true });
  writeFileSync(at('context/sub/file'), 'file');
  cpSync(at('context'), at('named'), { recursive: true });
  cpSync(at('context'), at('repository'), { recursive: true });
  writeFileSync(at('repository/Dockerfile'), 'FROM scratch\nCOPY . /all\nCOPY --chmod=755 sub/file /x/y/file\nWORKDIR /made/here\n');
  sh('cd repository; git init -q -b main; git add .; git -c user.name=a -c user.email=a@b commit -q -m one; git update-server-info');
  sh('tar -cf context.tar -C repository Dockerfile sub');
  server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://server');
    response.setHeader('last-modified', new Date(modified).toUTCString());
    try {
      const path = pathname.startsWith('/repo.git/') ? at(join('repository/.git', pathname.slice(9))) : at(pathname);
      response.end(readFileSync(path));
    } catch {
      response.writeHead(404).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  web = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
  shop.close();
});

/** The image as an archive. */
async function built(on: Shop, args: readonly string[]): Promise<Buffer> {
  const dest = at(`image${counter++}.tar`);
  modified += 3_600_000;
  for (const file of ['context/sub/file', 'named/sub/file', 'context/sub', 'named/sub', 'context', 'named']) {
    utimesSync(at(file), modified / 1000, modified / 1000);
  }
  const all = ['build', '--network', 'none', '--no-cache', '--provenance=false', '-o', `type=oci,dest=${dest},rewrite-timestamp=true`];
  const { status, stderr } = await on.with({ SOURCE_DATE_EPOCH: String(EPOCH) }).run(...all, ...args);
  assert.equal(status, 0, stderr);
  return readFileSync(dest);
}

/** Files of an archive, and all times in it, in seconds. */
function unpacked(tar: Buffer): { files: Buffer[]; times: Set<number> } {
  const files: Buffer[][] = [];
  const times = new Set<number>();
  const parser = new TarParser({
    entry: (e) => {
      times.add(Number(e.mtimeNs / 1_000_000_000n));
      files.push([]);
    },
    data: (chunk) => void files.at(-1)!.push(Buffer.from(chunk)),
    end: () => {},
  });
  parser.write(tar);
  parser.finish();
  return { files: files.map((chunks) => Buffer.concat(chunks)), times };
}

const NAMED = 'FROM other\nCOPY sub /more\nCOPY --from=other . /all/of/it\n';
const named = (value: string): readonly string[] => ['--build-context', `other=${value}`, at('context')];
const ADDED = 'FROM scratch\nADD WEB/context.tar /deep/er/\nADD --unpack=true WEB/context.tar /un/packed/\nADD WEB/repo.git#main /r\n';

const CASES: readonly (readonly [what: string, dockerfile: string | undefined, args: () => readonly string[]])[] = [
  ['ADD by HTTP and from Git', ADDED, () => [at('context')]],
  ['a named folder', NAMED, () => named(at('named'))],
  ['a named repository', NAMED, () => named(`${web}/repo.git#main`)],
  ['a named archive', NAMED, () => named(`${web}/context.tar`)],
  ['a context from Git', undefined, () => [`${web}/repo.git#main`]],
  ['an archive as context', undefined, () => [`${web}/context.tar`]],
  ['a folder as context', 'FROM scratch\nCOPY . /all\nCOPY sub/file /p/q/\nCOPY <<E /here\nx\nE\nWORKDIR /w\n', () => [at('context')]],
];

for (const [what, dockerfile, args] of CASES) {
  test(`the same bytes twice: ${what}`, async () => {
    if (dockerfile !== undefined) writeFileSync(at('context/Dockerfile'), dockerfile.replaceAll('WEB', web));
    const one = await built(shop.elsewhere(`one${counter}`), args());
    const two = await built(shop.elsewhere(`two${counter}`), args());
    assert.ok(one.equals(two), 'the archives differ');
    const { files } = unpacked(one);
    const config = files.find((bytes) => bytes.includes('"rootfs"'))!;
    assert.equal(Date.parse((JSON.parse(config.toString()) as { created: string }).created), EPOCH * 1000);
    const layers = files.filter((bytes) => bytes.toString('latin1', 257, 262) === 'ustar').map(unpacked);
    assert.ok(layers.length > 0);
    for (const { times } of layers) assert.deepEqual([...times], [EPOCH]);
  });
}
