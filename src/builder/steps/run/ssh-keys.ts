// Private SSH keys that a build was given as files: read into memory, named as the SSH protocol names them (RFC 4253, RFC 5656,
// RFC 8709), and used to sign. Their bytes go nowhere else. Formats: PEM, and OpenSSH's own (PROTOCOL.key), without a passphrase.
import type { JsonWebKeyInput, KeyObject } from 'node:crypto';

export interface SshKey {
  /** The public key as agents list it. */
  readonly blob: Buffer;
  readonly comment: string;
  /** The signature of `data`, in SSH's form. @param flags of the agent protocol: which hash RSA takes */
  sign(data: Buffer, flags: number): Buffer;
}

const MAGIC = Buffer.from('openssh-key-v1\0');
const CURVES: Readonly<Record<string, { readonly name: string; readonly hash: string; readonly size: number }>> = {
  'P-256': { name: 'nistp256', hash: 'sha256', size: 32 },
  'P-384': { name: 'nistp384', hash: 'sha384', size: 48 },
  'P-521': { name: 'nistp521', hash: 'sha512', size: 66 },
};
const RSA_SHA2_256 = 2;
const RSA_SHA2_512 = 4;

/** Loaded where a key is used: builds without one are quicker. */
const crypto = (): typeof import('node:crypto') => process.getBuiltinModule('node:crypto');

/** @throws Error with a message in the words of Go's ssh package */
export function parseSshKey(text: Buffer): SshKey {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([^]*?)-----END OPENSSH PRIVATE KEY-----/.exec(text.toString('latin1'))?.[1];
  if (body !== undefined) {
    const { jwk, comment } = parseOpenSsh(Buffer.from(body, 'base64'));
    return keyOf(crypto().createPrivateKey({ key: jwk, format: 'jwk' }), comment);
  }
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text.toString('latin1'))) throw protectedKey();
  let key: KeyObject;
  try {
    key = crypto().createPrivateKey(text);
  } catch (cause) {
    throw new Error('ssh: no key found', { cause });
  }
  return keyOf(key, '');
}

const protectedKey = (): Error => new Error('ssh: this private key is passphrase protected');

function keyOf(key: KeyObject, comment: string): SshKey {
  const jwk = key.export({ format: 'jwk' });
  const part = (name: 'n' | 'e' | 'x' | 'y'): Buffer => Buffer.from(jwk[name] ?? '', 'base64url');
  if (jwk.kty === 'OKP' && jwk.crv === 'Ed25519') {
    const name = Buffer.from('ssh-ed25519');
    return { comment, blob: sshStrings(name, part('x')), sign: (data) => sshStrings(name, crypto().sign(null, data, key)) };
  }
  if (jwk.kty === 'RSA') {
    return {
      comment,
      blob: sshStrings(Buffer.from('ssh-rsa'), mpint(part('e')), mpint(part('n'))),
      sign: (data, flags) => {
        const [name, hash] =
          (flags & RSA_SHA2_512) !== 0
            ? ['rsa-sha2-512', 'sha512']
            : (flags & RSA_SHA2_256) !== 0
              ? ['rsa-sha2-256', 'sha256']
              : ['ssh-rsa', 'sha1'];
        return sshStrings(Buffer.from(name!), crypto().sign(hash, data, key));
      },
    };
  }
  const curve = jwk.kty === 'EC' ? CURVES[jwk.crv ?? ''] : undefined;
  if (curve === undefined) throw new Error('ssh: unsupported key type');
  const name = Buffer.from(`ecdsa-sha2-${curve.name}`);
  return {
    comment,
    blob: sshStrings(name, Buffer.from(curve.name), Buffer.concat([Buffer.of(4), part('x'), part('y')])),
    sign: (data) => {
      const both = crypto().sign(curve.hash, data, { key, dsaEncoding: 'ieee-p1363' });
      return sshStrings(name, sshStrings(mpint(both.subarray(0, curve.size)), mpint(both.subarray(curve.size))));
    },
  };
}

/** The key of OpenSSH's format, as a JSON Web Key. */
function parseOpenSsh(bytes: Buffer): { readonly jwk: JsonWebKeyInput['key']; readonly comment: string } {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw new Error('ssh: invalid openssh private key format');
  const outer = new SshReader(bytes.subarray(MAGIC.length));
  const cipher = outer.string().toString();
  outer.string();
  outer.string();
  if (outer.uint32() !== 1) throw new Error('ssh: multi-key files are not supported');
  outer.string();
  if (cipher !== 'none') throw protectedKey();
  const r = new SshReader(outer.string());
  if (r.uint32() !== r.uint32()) throw new Error('ssh: malformed OpenSSH key');
  const type = r.string().toString();
  const url = (b: Buffer): string => b.toString('base64url');
  if (type === 'ssh-ed25519') {
    const x = r.string();
    const d = r.string().subarray(0, 32);
    return { jwk: { kty: 'OKP', crv: 'Ed25519', x: url(x), d: url(d) }, comment: r.string().toString() };
  }
  if (type === 'ssh-rsa') {
    const [n, e, d, qi, p, q] = [r.number(), r.number(), r.number(), r.number(), r.number(), r.number()];
    const jwk = {
      kty: 'RSA',
      n: url(n),
      e: url(e),
      d: url(d),
      p: url(p),
      q: url(q),
      qi: url(qi),
      dp: url(rest(d, p)),
      dq: url(rest(d, q)),
    };
    return { jwk, comment: r.string().toString() };
  }
  const curve = Object.entries(CURVES).find(([, c]) => type === `ecdsa-sha2-${c.name}`);
  if (curve === undefined) throw new Error('ssh: unhandled key type');
  const [crv, { size }] = curve;
  r.string();
  const point = r.string();
  const number = r.number();
  if (point.length !== 1 + 2 * size || number.length > size) throw new Error('ssh: malformed OpenSSH key');
  const d = Buffer.concat([Buffer.alloc(size - number.length), number]);
  return {
    jwk: { kty: 'EC', crv, x: url(point.subarray(1, 1 + size)), y: url(point.subarray(1 + size)), d: url(d) },
    comment: r.string().toString(),
  };
}

/** `d` modulo `prime` - 1, which OpenSSH leaves to be computed. */
function rest(d: Buffer, prime: Buffer): Buffer {
  const big = (b: Buffer): bigint => BigInt(`0x0${b.toString('hex')}`);
  const hex = (big(d) % (big(prime) - 1n)).toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
}

/** Fields of SSH's encoding (RFC 4251 § 5). */
export class SshReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  uint32(): number {
    if (this.#at + 4 > this.#bytes.length) throw new Error('ssh: short read');
    this.#at += 4;
    return this.#bytes.readUInt32BE(this.#at - 4);
  }

  string(): Buffer {
    const length = this.uint32();
    if (this.#at + length > this.#bytes.length) throw new Error('ssh: short read');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** An integer without the zero that keeps it positive. */
  number(): Buffer {
    const bytes = this.string();
    return bytes[0] === 0 ? bytes.subarray(1) : bytes;
  }
}

export function sshStrings(...parts: readonly Buffer[]): Buffer {
  return Buffer.concat(parts.flatMap((part) => [uint32(part.length), part]));
}

export function uint32(n: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(n);
  return bytes;
}

/** The content of an mpint: no needless zeros, and one where the first bit would be a sign. */
function mpint(bytes: Buffer): Buffer {
  let from = 0;
  while (from < bytes.length - 1 && bytes[from] === 0) from++;
  const short = bytes.subarray(from);
  return (short[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), short]) : short;
}
