// What clients of BuildKit's protocol send: messages in frames, and definitions in LLB whose operations are broken, or fit ill together.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { definitionOf, DefinitionSchema, foldersOf, graphOf, GrpcError, type Llb, OpSchema } from '../../../src/protocol/index.ts';
import { frame, FrameReader } from '../../../src/protocol/grpc/frames.ts';
import type { Random } from '../grammar.ts';
import { asBytes, type Target } from '../target.ts';

const PATHS = ['/', '/a', 'a/../b', '../up', '/a/*', '', '/ü', '/x/', 'n'.repeat(300)];
const SOURCES = [
  'docker-image://docker.io/library/tiny:latest',
  'docker-image://',
  'local://context',
  'local://',
  'https://example.com/a.tar',
  'https://',
  'git://example.com/a.git#main:dir',
  'oci-layout://x@sha256:0',
  'ftp://x',
];
const ATTRIBUTES = ['local.includepattern', 'local.excludepatterns', 'local.followpaths', 'http.checksum', 'http.filename', 'git.fullurl'];
const VALUES = ['["a","b"]', '[]', '[1]', '{', '', 'sha256:0', 'x'];

/** Numbers that stand for inputs and outputs: mostly ones that are there. */
const index = (r: Random): bigint => BigInt(r.of([0, 0, 0, 1, -1, 2, 7, Number.MAX_SAFE_INTEGER]));

function action(r: Random): object {
  const path = r.of(PATHS);
  const common = {
    timestamp: index(r),
    owner: { user: { user: { case: 'byName', value: { name: r.of(['root', '', 'x:y']), input: index(r) } } } },
  };
  const made = r.of([
    { case: 'mkdir', value: { path, mode: r.below(2 ** 31), makeParents: r.below(2) === 0, ...common } },
    { case: 'mkfile', value: { path, mode: r.below(0o10000), data: Buffer.alloc(r.below(30)), ...common } },
    { case: 'rm', value: { path, allowWildcard: r.below(2) === 0 } },
    { case: 'symlink', value: { oldpath: r.of(PATHS), newpath: path } },
    {
      case: 'copy',
      value: { src: r.of(PATHS), dest: path, mode: r.of([-1, 0o755, 2 ** 30]), modeStr: r.of(['', 'u=rwX', '☠']), timestamp: -1n },
    },
    { case: undefined },
  ]);
  return { input: index(r), secondaryInput: index(r), output: index(r), action: made };
}

const mount = (r: Random): object => ({
  input: index(r),
  dest: r.of(['/', '/', ...PATHS]),
  selector: r.of(PATHS),
  output: index(r),
  readonly: r.below(2) === 0,
  mountType: r.of([0, 0, 1, 2, 3, 4, 9]),
});

function operation(r: Random): object {
  switch (r.below(7)) {
    case 0:
      return { case: 'exec', value: { meta: { args: r.many(2, () => r.of(PATHS)), cwd: r.of(PATHS) }, mounts: r.many(4, () => mount(r)) } };
    case 1:
      return { case: 'file', value: { actions: r.many(4, () => action(r)) } };
    case 2:
      return { case: 'merge', value: { inputs: r.many(3, () => ({ input: index(r) })) } };
    case 3:
      return { case: 'diff', value: { lower: { input: index(r) }, upper: { input: index(r) } } };
    case 4:
      return { case: 'build', value: {} };
    default:
      return {
        case: 'source',
        value: { identifier: r.of(SOURCES), attrs: Object.fromEntries(r.many(2, () => [r.of(ATTRIBUTES), r.of(VALUES)])) },
      };
  }
}

function definition(r: Random): Buffer {
  const def: Uint8Array[] = [];
  const digests: string[] = [`sha256:${'0'.repeat(64)}`];
  const add = (op: object): void => {
    const bytes = toBinary(OpSchema, create(OpSchema, op));
    // some are broken before others call them by the digest of their bytes
    if (r.below(12) === 0 && bytes.length > 0) bytes[r.below(bytes.length)] = r.below(256);
    def.push(bytes);
    digests.push(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
  };
  const input = (): object => ({
    digest: r.below(12) === 0 ? digests[0] : digests.at(-1 - r.below(3)),
    index: r.below(8) === 0 ? index(r) : 0n,
  });
  for (let n = r.below(8); n >= 0; n--) add({ op: operation(r), inputs: n === 7 ? [] : r.many(3, input) });
  add({ inputs: r.below(10) === 0 ? r.many(2, input) : [input()] });
  const bytes = Buffer.from(toBinary(DefinitionSchema, create(DefinitionSchema, { def })));
  return r.below(6) === 0 ? bytes.subarray(0, r.below(bytes.length + 1)) : bytes;
}

/** Anything but an error of the protocol passes through. */
async function refused<T>(work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof GrpcError) return undefined;
    throw error;
  }
}

/** The frames that are found when bytes come in pieces, and why there are no more. */
function framesIn(bytes: Buffer, size: () => number): string[] {
  const reader = new FrameReader(1 << 16);
  const found: string[] = [];
  try {
    for (let at = 0, n = size(); at < bytes.length; at += n, n = size())
      for (const message of reader.push(bytes.subarray(at, at + n))) found.push(message.toString('hex'));
    found.push(`truncated ${reader.truncated}`);
  } catch (e) {
    if (!(e instanceof GrpcError)) throw e;
    found.push(`code ${e.code}`);
  }
  return found;
}

export const target: Target = {
  make: (r) => {
    const bytes = Buffer.concat([frame(definition(r)), ...r.many(2, () => frame(Buffer.alloc(r.below(40), r.below(256))))]);
    for (let n = r.below(3); n > 0; n--) bytes[r.below(bytes.length)] = r.of([0, 1, 0x7f, 0xff, r.below(256)]);
    return r.below(5) === 0 ? bytes.subarray(0, r.below(bytes.length + 1)) : bytes;
  },
  attempt: async (input, r) => {
    const bytes = asBytes(input);
    assert.deepEqual(
      framesIn(bytes, () => 1 + r.below(300)),
      framesIn(bytes, () => bytes.length || 1),
      'pieces say something else than the whole',
    );
    let llb: Llb;
    try {
      llb = { def: fromBinary(DefinitionSchema, bytes.subarray(5)).def, names: {}, noCache: [] };
    } catch {
      return; // no such message: `decode` refuses it
    }
    const folders = await refused(() => foldersOf(llb));
    if (folders === undefined) return;
    const keys = new Set(folders.map((f) => f.key));
    const node = await refused(() =>
      graphOf(llb, {
        image: (ref) => Promise.resolve(`docker-image://${ref}@sha256:${'0'.repeat(64)}`),
        git: (identifier) =>
          Promise.resolve({ kind: 'source', identifier, git: { commit: '0', folder: '', keepGitDir: false, submodules: true } }),
        folder: (key) => {
          assert.ok(keys.has(key), 'a folder is asked for that is not among those of the definition');
          return `local://${key}`;
        },
      }),
    );
    if (node === undefined) return;
    // what was understood can be said again, or is refused
    await refused(() =>
      definitionOf(node, {
        image: (identifier) => identifier,
        repository: (address) => address,
        platform: { os: 'linux', architecture: 'amd64' },
      }),
    );
  },
};
