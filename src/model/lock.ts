// The lock file of a Dockerfile: which image each name of a base stood for. It lies beside the Dockerfile, as `Dockerfile.lock`.
import { type Digest, isDigest } from './digest.ts';
import { SlipwayError } from './errors.ts';
import { parseJsonValue } from './json.ts';

export interface LockedImage {
  /** As FROM has it, whole: `docker.io/library/busybox:latest`. */
  readonly name: string;
  /** `linux/amd64`. */
  readonly platform: string;
  /** Of the manifest, where the image has one: what a registry is asked for. */
  readonly digest?: Digest;
  /** The ID: the digest of the configuration. */
  readonly image: Digest;
  /** RFC 3339: when the name stood for it. */
  readonly resolved: string;
  /** The registry, or `store` for an image that was made on the machine. */
  readonly from: string;
}

const VERSION = 1;
/** Characters of a lock file. */
const LARGEST = 16 << 20;

/** @throws SlipwayError invalid-argument `lock.invalid` */
export function parseLock(text: string, name: string): LockedImage[] {
  const wrong = (what: string): SlipwayError =>
    new SlipwayError('invalid-argument', 'lock.invalid', `${name} is no lock file: ${what}`, {
      hints: ['slipway lock update writes it again; build --lock=off builds without it'],
    });
  if (text.length > LARGEST) throw wrong('it is too large');
  let file: { readonly version?: unknown; readonly images?: unknown };
  try {
    file = (parseJsonValue(Buffer.from(text), 'lock.invalid', 'file') ?? {}) as typeof file;
  } catch (e) {
    throw wrong((e as Error).message);
  }
  const { version, images } = file;
  if (version !== VERSION) throw wrong(`its version is ${JSON.stringify(version)}, and ${VERSION} is known`);
  if (!Array.isArray(images)) throw wrong('it has no list of images');
  return images.map((one: unknown, i): LockedImage => {
    const { name: of, platform, digest, image, resolved, from } = (one ?? {}) as Record<string, unknown>;
    const texts = [of, platform, resolved, from].every((t) => typeof t === 'string');
    if (
      !texts ||
      typeof image !== 'string' ||
      !isDigest(image) ||
      (digest !== undefined && (typeof digest !== 'string' || !isDigest(digest)))
    )
      throw wrong(`entry ${i + 1} lacks a name, a platform, a digest, a time or an origin`);
    return { name: of, platform, image, resolved, from, ...(digest !== undefined && { digest }) } as LockedImage;
  });
}

/** The same images give the same text, whatever their order. */
export function formatLock(images: readonly LockedImage[]): string {
  const key = (i: LockedImage): string => `${i.name}\0${i.platform}`;
  const sorted = images.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
  const ordered = sorted.map(({ name, platform, digest, image, resolved, from }) => ({
    name,
    platform,
    ...(digest !== undefined && { digest }),
    image,
    resolved,
    from,
  }));
  return `${JSON.stringify({ version: VERSION, images: ordered }, null, 2)}\n`;
}
