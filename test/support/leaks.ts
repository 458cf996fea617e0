// Looks for secrets where none may be: in files, plain, encoded or compressed, and in what the system shows of processes.
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';

export interface Places {
  readonly folders: readonly string[];
  /** Texts of commands: what they printed. */
  readonly outputs?: readonly string[];
  /** Of the text of an argument list or an environment: it is one that the user gave. */
  readonly given?: (text: string) => boolean;
}

/** Where one of the words is: files, `cmdline` and `environ` of processes of this PID namespace, and outputs. */
export function leaks(words: readonly string[], { folders, outputs = [], given = () => false }: Places): string[] {
  const needles = words.flatMap(forms);
  const holds = (bytes: Buffer): boolean => needles.some((needle) => bytes.includes(needle));
  const found = folders.flatMap((folder) => files(folder)).filter((path) => contents(path).some(holds));
  for (const output of outputs) if (holds(Buffer.from(output))) found.push(`output: ${output}`);
  const ours = readlinkSync('/proc/self/ns/pid');
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readlinkSync(`/proc/${pid}/ns/pid`) !== ours) continue; // in the container
      for (const name of ['cmdline', 'environ']) {
        const text = readFileSync(`/proc/${pid}/${name}`);
        if (holds(text) && !given(text.toString())) found.push(`${name} of ${readFileSync(`/proc/${pid}/cmdline`, 'utf8')}`);
      }
    } catch {
      // it has ended
    }
  }
  return found;
}

/** A word as it stands, percent-encoded, in hexadecimal digits, and within base64 wherever it begins there. */
function forms(word: string): string[] {
  const bytes = Buffer.from(word);
  const inBase64 = [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    return encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
  return [word, encodeURIComponent(word), bytes.toString('hex'), ...inBase64];
}

/** All regular files below a folder. */
function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return files(path);
    return entry.isFile() ? [path] : [];
  });
}

const PACKED: readonly (readonly [Buffer, (bytes: Buffer) => Buffer])[] = [
  [Buffer.of(0x1f, 0x8b), gunzipSync],
  [Buffer.of(0x28, 0xb5, 0x2f, 0xfd), zstdDecompressSync],
];

/** The bytes of a file, and what they unpack to. */
function contents(path: string): Buffer[] {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return [];
  const bytes = readFileSync(path);
  const unpack = PACKED.find(([magic]) => bytes.subarray(0, magic.length).equals(magic))?.[1];
  return unpack === undefined ? [bytes] : [bytes, unpack(bytes)];
}
