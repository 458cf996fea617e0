// What is different between two images, file by file: of a build that was done twice from the same inputs.
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type TarEntry, TarParser } from '../archive/index.ts';
import type { Lease } from '../content/index.ts';
import type { Image } from '../image/index.ts';
import type { Engine } from './engine.ts';

export interface LayerDifference {
  /** The instruction that made the layer. */
  readonly step: string;
  /** `path: content, time`; or that it is in one of them only. */
  readonly files: readonly string[];
}

export interface ImageDifference {
  readonly same: boolean;
  readonly layers: readonly LayerDifference[];
  /** Fields of the configuration. */
  readonly config: readonly string[];
}

interface Member {
  readonly entry: TarEntry;
  readonly content: string;
}

export async function compareBuilds(engine: Engine, one: Image, other: Image): Promise<ImageDifference> {
  if (one.id === other.id) return { same: true, layers: [], config: [] };
  using lease = engine.leases.create();
  const layers: LayerDifference[] = [];
  const steps = (one.config.history ?? []).filter((h) => h.empty_layer !== true).map((h) => h.created_by ?? '');
  const count = Math.max(one.layers.length, other.layers.length);
  for (let i = 0; i < count; i++) {
    const [a, b] = [one.layers[i], other.layers[i]];
    const step = steps[i] ?? `layer ${i + 1}`;
    if (a === undefined || b === undefined)
      layers.push({ step, files: [`only the ${a === undefined ? 'second' : 'first'} build has this layer`] });
    else if (a.diffId !== b.diffId)
      layers.push({ step, files: compareMembers(await members(engine, a.diffId, lease), await members(engine, b.diffId, lease)) });
  }
  return { same: false, layers, config: compareFields(one.config, other.config) };
}

async function members(engine: Engine, diffId: Image['layers'][number]['diffId'], lease: Lease): Promise<Map<string, Member>> {
  const found = new Map<string, Member>();
  let entry: TarEntry | undefined;
  let hash: Hash;
  const parser = new TarParser({
    entry: (e) => {
      entry = e;
      hash = createHash('sha256');
    },
    data: (chunk) => void hash.update(chunk),
    end: () => {
      if (entry) found.set(entry.path, { entry, content: hash.digest('hex') });
    },
  });
  const { path } = await engine.images.layers.plainTar(diffId, lease);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) parser.write(chunk as Buffer);
  parser.finish();
  return found;
}

function compareMembers(one: ReadonlyMap<string, Member>, other: ReadonlyMap<string, Member>): string[] {
  const lines: string[] = [];
  for (const path of [...new Set([...one.keys(), ...other.keys()])].sort()) {
    const [a, b] = [one.get(path), other.get(path)];
    if (a === undefined || b === undefined) {
      lines.push(`/${path}: only in the ${a === undefined ? 'second' : 'first'} build`);
      continue;
    }
    const what: string[] = [];
    if (a.entry.type !== b.entry.type) what.push('type');
    if (a.content !== b.content)
      what.push(a.entry.size === b.entry.size ? 'content' : `content (${a.entry.size} and ${b.entry.size} bytes)`);
    if (a.entry.mode !== b.entry.mode) what.push('mode');
    if (a.entry.uid !== b.entry.uid || a.entry.gid !== b.entry.gid) what.push('owner');
    if (a.entry.link !== b.entry.link) what.push('target');
    if (attributes(a.entry) !== attributes(b.entry)) what.push('attributes');
    if (a.entry.mtimeNs !== b.entry.mtimeNs) what.push('time');
    if (what.length > 0) lines.push(`/${path}: ${what.join(', ')}`);
  }
  return lines.length > 0 ? lines : ['the order or form of the entries'];
}

const attributes = (e: TarEntry): string => [...(e.xattrs ?? [])].map(([name, value]) => `${name}=${value.toString('hex')}`).join();

/** Fields that are different, the layers themselves left out. */
function compareFields(one: Image['config'], other: Image['config']): string[] {
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])].filter((k) => k !== 'rootfs');
  const at = (config: Image['config'], key: string): string => JSON.stringify((config as unknown as Record<string, unknown>)[key]);
  return keys.filter((key) => at(one, key) !== at(other, key));
}
