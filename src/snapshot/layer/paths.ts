// Paths as layers write them, made relative to the layer's root and free of '.', '..' and double slashes.
import { invalidLayer, unsafePath } from './errors.ts';

const NEEDS_WORK = /(?:^|\/)\.{0,2}(?:\/|$)/;

/**
 * The path relative to the root, '' for the root itself. A leading slash counts for nothing; `..` is taken literally, without looking
 * at links. @throws `layer.unsafe-path` where it leads above the root.
 */
export function relativePath(path: string): string {
  if (!NEEDS_WORK.test(path)) return path;
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) throw unsafePath(path);
  }
  return parts.join('/');
}

/** The directory part and the last part of a relative path. */
export function splitRelative(path: string): [directory: string, name: string] {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? ['', path] : [path.slice(0, slash), path.slice(slash + 1)];
}

/** `name` below the directory `rel`, where '' is the root. */
export function joinRelative(rel: string, name: string): string {
  return rel === '' ? name : `${rel}/${name}`;
}

/** The name that a whiteout hides. @throws where that is no name: `.wh...` would mean the parent directory. */
export function whiteoutTarget(path: string, name: string, prefix: string): string {
  const hidden = name.slice(prefix.length);
  if (hidden === '.' || hidden === '..') throw unsafePath(path, 'hides a directory above it');
  if (hidden === '') throw invalidLayer(path, 'a whiteout without a name');
  return hidden;
}
