// Small makers and readers of tars for tests of several folders. Nothing of the product imports it.
import { END_OF_ARCHIVE, encodeHeader, padding } from './encode.ts';
import type { TarEntry } from './entry.ts';
import { TarParser } from './parser.ts';

export interface Member extends Partial<Omit<TarEntry, 'path'>> {
  readonly path: string;
  readonly content?: string | Buffer;
}

/** The bytes of a tar with these members; what a member leaves out gets plain values. */
export function makeTar(members: readonly Member[], o: { end?: boolean } = {}): Buffer {
  const parts: Buffer[] = [];
  for (const { content, ...fields } of members) {
    const body = Buffer.from(content ?? '');
    const type = fields.type ?? (fields.path.endsWith('/') ? 'dir' : 'file');
    parts.push(
      encodeHeader({ mode: type === 'dir' ? 0o755 : 0o644, uid: 0, gid: 0, size: body.length, mtimeNs: 0n, ...fields, type }),
      body,
      padding(body.length),
    );
  }
  if (o.end !== false) parts.push(END_OF_ARCHIVE);
  return Buffer.concat(parts);
}

export interface ReadMember {
  readonly entry: TarEntry;
  readonly content: Buffer;
}

/** Parses a whole tar that is given in pieces of `step` bytes. */
export function readTar(tar: Buffer, step = tar.length || 1): ReadMember[] {
  const members: ReadMember[] = [];
  let entry: TarEntry | undefined;
  let parts: Buffer[] = [];
  const parser = new TarParser({
    entry: (e) => void (entry = e),
    data: (chunk) => void parts.push(Buffer.from(chunk)),
    end: () => {
      members.push({ entry: entry!, content: Buffer.concat(parts) });
      parts = [];
    },
  });
  for (let at = 0; at < tar.length; at += step) parser.write(tar.subarray(at, at + step));
  parser.finish();
  return members;
}
