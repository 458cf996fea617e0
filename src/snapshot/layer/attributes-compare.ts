// Whether something is as it was below: what a layer would say of it is the same.
import fs from 'node:fs';
import { readXattrs } from './layer-writer.ts';

/** Mode, owner, time and extended attributes of `native` (which has `stats`) against those of `lower`. */
export function sameAttributes(native: string | Buffer, stats: fs.Stats, lower: string | Buffer, before = fs.lstatSync(lower)): boolean {
  if (before.mode !== stats.mode || before.uid !== stats.uid || before.gid !== stats.gid || before.mtimeMs !== stats.mtimeMs) return false;
  const theirs = readXattrs(lower) ?? new Map<string, Buffer>();
  const ours = readXattrs(native);
  if (theirs.size !== (ours?.size ?? 0)) return false;
  return [...theirs].every(([name, value]) => ours?.get(name)?.equals(value) === true);
}
