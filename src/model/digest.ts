// Content addresses (OCI image-spec, descriptor.md, "Digests") and the chain IDs of layers (config.md, "Layer ChainID").
import { sha256Hex } from '../util/index.ts';
import { SlipwayError } from './errors.ts';

export type Digest = `sha256:${string}`;

const LENGTHS: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 };
const SHAPE = /^([a-z0-9]+(?:[.+_-][a-z0-9]+)*):([a-f0-9]+)$/;

/** Accepts the registered algorithms sha256 and sha512; content is stored by the former alone (`supportedDigest`). */
export function isDigest(s: string): s is Digest {
  const m = SHAPE.exec(s);
  return m !== null && LENGTHS[m[1]!] === m[2]!.length;
}

/** A well-formed digest, which content can be stored and verified by. Throws unsupported 'digest.unsupported'. */
export function supportedDigest(s: string): Digest {
  if (s.startsWith('sha256:')) return s as Digest;
  const shown = s.length > 24 ? `${s.slice(0, 24)}…` : s;
  throw new SlipwayError(
    'unsupported',
    'digest.unsupported',
    `digests of the algorithm ${s.split(':', 1)[0]} are not supported: ${shown}`,
    {
      hints: ['only sha256 is'],
    },
  );
}

/** The part after the algorithm. */
export function digestHex(d: Digest): string {
  return d.slice(d.indexOf(':') + 1);
}

/** The first twelve digits, as tables show them. */
export function shortDigest(d: Digest): string {
  return digestHex(d).slice(0, 12);
}

export function sha256(data: Uint8Array | string): Digest {
  return `sha256:${sha256Hex(data)}`;
}

/** Chain ID of the topmost of these layers, bottom first. An empty list has none and throws a RangeError. */
export function chainId(diffIds: readonly Digest[]): Digest {
  if (diffIds.length === 0) throw new RangeError('no layers, no chain ID');
  return diffIds.reduce((parent, diffId) => sha256(`${parent} ${diffId}`));
}

/** Chain IDs of every layer, bottom first: the last is `chainId(diffIds)`. */
export function chainIds(diffIds: readonly Digest[]): Digest[] {
  const chains: Digest[] = [];
  for (const diffId of diffIds) {
    const parent = chains.at(-1);
    chains.push(parent === undefined ? diffId : sha256(`${parent} ${diffId}`));
  }
  return chains;
}
