// Where the result of a build goes besides the store: files, archives, nowhere (docs.docker.com/build/exporters).
import { createReadStream, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import type { Lease } from '../content/index.ts';
import { exportRootfs, type Image, openSink, saveImage, TarSink } from '../image/index.ts';
import { parseReference, SlipwayError, withDefaultTag } from '../model/index.ts';
import type { CopyTarget } from '../registry/index.ts';
import { run } from '../sys/index.ts';
import { type Mount, withMounted } from '../snapshot/index.ts';
import type { Engine } from './engine.ts';

/** One `--output` as written. */
export interface OutputRequest {
  readonly type: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** An output that is understood; `dest` is absolute, or 1 for standard output. */
export type Output =
  | { readonly kind: 'image'; readonly names: readonly string[]; readonly push: boolean; readonly store: boolean }
  | { readonly kind: 'cacheonly' }
  | { readonly kind: 'archive'; readonly format: 'docker' | 'oci'; readonly names: readonly string[]; readonly dest: string | 1 }
  | { readonly kind: 'layout'; readonly names: readonly string[]; readonly dest: string }
  | { readonly kind: 'tar'; readonly dest: string | 1 }
  | { readonly kind: 'local'; readonly dest: string };

const KNOWN: Readonly<Record<string, readonly string[]>> = {
  image: ['name', 'push', 'store', 'rewrite-timestamp'],
  docker: ['name', 'dest', 'rewrite-timestamp'],
  oci: ['name', 'dest', 'tar', 'rewrite-timestamp'],
  tar: ['dest'],
  local: ['dest'],
  cacheonly: [],
  registry: ['name', 'rewrite-timestamp'],
};

/**
 * Reads what `--output` says. Throws invalid-argument 'output.*' in BuildKit's words, unsupported 'output.push'.
 * @param terminal standard output is a terminal, which gets no archive
 */
export function parseOutput(o: OutputRequest, cwd: string, terminal: boolean): Output {
  const { type, attributes } = o;
  const known = KNOWN[type];
  if (known === undefined) {
    throw new SlipwayError('invalid-argument', 'output.type', `exporter ${JSON.stringify(type)} could not be found`, {
      hints: [`there are ${Object.keys(KNOWN).join(', ')}`],
    });
  }
  const strange = Object.keys(attributes).find((key) => !known.includes(key));
  if (strange !== undefined) {
    throw new SlipwayError('unsupported', 'output.attribute', `the ${type} exporter has no attribute ${JSON.stringify(strange)}`, {
      hints: [known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`],
    });
  }
  const names = (attributes['name'] ?? '').split(',').filter((name) => name !== '');
  const dest = attributes['dest'] ?? '';
  switch (type) {
    case 'registry':
      return { kind: 'image', names, push: true, store: true };
    case 'image': {
      const push = isTrue(attributes['push'], false);
      const store = isTrue(attributes['store'], true);
      // what is pushed by name is found by it
      if (push && !store)
        throw new SlipwayError('unsupported', 'output.store', 'an image that is pushed is stored too', {
          hints: ['slipway rmi takes it away afterwards'],
        });
      return { kind: 'image', names, push, store };
    }
    case 'cacheonly':
      return { kind: 'cacheonly' };
    case 'local':
      if (dest === '' || dest === '-')
        throw new SlipwayError('invalid-argument', 'output.dest', 'dest is required for local exporter', {
          hints: ['--output type=local,dest=DIR'],
        });
      return { kind: 'local', dest: resolve(cwd, dest) };
    case 'docker':
      if (dest === '') return { kind: 'image', names, push: false, store: true };
      return { kind: 'archive', format: 'docker', names, dest: target(type, dest, cwd, terminal) };
    case 'oci':
      if (attributes['tar'] === 'false') {
        if (dest === '' || dest === '-')
          throw new SlipwayError('invalid-argument', 'output.dest', 'dest is required for oci exporter with tar=false');
        return { kind: 'layout', names, dest: resolve(cwd, dest) };
      }
      return { kind: 'archive', format: 'oci', names, dest: target(type, dest, cwd, terminal) };
    default:
      return { kind: 'tar', dest: target(type, dest, cwd, terminal) };
  }
}

function target(type: string, dest: string, cwd: string, terminal: boolean): string | 1 {
  if (dest !== '' && dest !== '-') return resolve(cwd, dest);
  if (terminal) {
    throw new SlipwayError('invalid-argument', 'output.dest', `dest file is required for ${type} exporter. refusing to write to console`, {
      hints: [`--output type=${type},dest=FILE, or send standard output elsewhere`],
    });
  }
  return 1;
}

const isTrue = (text: string | undefined, otherwise: boolean): boolean =>
  text === undefined ? otherwise : text !== 'false' && text !== '0';

/** Writes one output. `tags` are the names that the build was given. */
export async function writeOutput(
  engine: Engine,
  image: Image,
  output: Output,
  tags: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const names = 'names' in output && output.names.length > 0 ? output.names : tags;
  using lease = engine.leases.create();
  switch (output.kind) {
    case 'image':
    case 'cacheonly':
      return;
    case 'archive':
      return await saveImage(engine.images, image, names, output.dest, { format: output.format, signal });
    case 'layout':
      return await writeLayout(engine, image, names, output.dest, signal);
    case 'tar':
      // written before it first waits, while the files are mounted
      return await withMounted(engine.layout, await viewOf(engine, image, lease), (root) => exportRootfs(root, output.dest));
    case 'local': {
      const { copyTree } = await import('../build/index.ts');
      mkdirSync(output.dest, { recursive: true });
      return await copyTree(engine.layout, await viewOf(engine, image, lease), output.dest, engine.now());
    }
    default:
      output satisfies never;
  }
}

/** The files of an image, to be mounted: nothing at all for one without layers. The lease keeps them. */
export async function viewOf(engine: Engine, image: Image, lease: Lease): Promise<Mount[]> {
  return image.layers.length === 0 ? [] : engine.snapshots.view(await engine.images.snapshot(image, lease, {}));
}

/** The layout as a folder: the archive, unpacked. */
async function writeLayout(engine: Engine, image: Image, names: readonly string[], dest: string, signal: AbortSignal): Promise<void> {
  const folder = mkdtempSync(join(engine.layout.ingest, 'layout-'));
  try {
    const archive = join(folder, 'layout.tar');
    await saveImage(engine.images, image, names, archive, { format: 'oci', signal });
    mkdirSync(dest, { recursive: true });
    const { exitCode, stderr } = await run('tar', ['-x', '--no-same-owner', '-f', archive, '-C', dest], { signal });
    if (exitCode !== 0) throw new SlipwayError('unavailable', 'output.layout', `cannot write the layout to ${dest}: ${stderr.trim()}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Lets `write` fill a layout, which becomes a folder, or an archive at `dest`. */
export async function writeLayoutWith<T>(
  engine: Engine,
  dest: string | 1,
  names: readonly string[],
  signal: AbortSignal,
  write: (target: CopyTarget) => Promise<T>,
): Promise<T> {
  const { LayoutTarget } = await import('../registry/index.ts');
  const tag = names[0] === undefined ? undefined : (withDefaultTag(parseReference(names[0])).tag ?? 'latest');
  const asFolder = dest !== 1 && statSync(dest, { throwIfNoEntry: false })?.isDirectory() === true;
  if (asFolder) return await write(new LayoutTarget(dest, tag));
  const folder = mkdtempSync(join(engine.layout.ingest, 'layout-'));
  try {
    const result = await write(new LayoutTarget(folder, tag));
    await packFolder(folder, dest, signal);
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The plain files of a folder as a tar. */
async function packFolder(folder: string, dest: string | 1, signal: AbortSignal): Promise<void> {
  const sink = openSink(dest);
  try {
    const tar = new TarSink(sink);
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }).toSorted((a, b) =>
      join(a.parentPath, a.name) < join(b.parentPath, b.name) ? -1 : 1,
    )) {
      signal.throwIfAborted();
      const path = join(entry.parentPath, entry.name);
      const name = relative(folder, path);
      if (entry.isDirectory()) {
        tar.directory(`${name}/`);
        continue;
      }
      const { size } = statSync(path);
      tar.begin(name, size);
      for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
        sink.write(chunk as Buffer);
        await sink.drain();
      }
      tar.end(size);
    }
    tar.finish();
    await sink.finish();
  } catch (e) {
    sink.abort();
    throw e;
  }
}
