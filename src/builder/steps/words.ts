// Paths as text, before anything is looked up.

/** The words of a path without empty ones, `.` and `..`; `..` at the top stays at the top. */
export function cleanWords(path: string): string[] {
  const out: string[] = [];
  for (const word of path.split('/')) {
    if (word === '..') out.pop();
    else if (word !== '' && word !== '.') out.push(word);
  }
  return out;
}

export const join = (dir: string, name: string): string => (dir === '' ? name : `${dir}/${name}`);

/** The directory part and the last word of a clean path. */
export function splitPath(path: string): [directory: string, name: string] {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? ['', path] : [path.slice(0, slash), path.slice(slash + 1)];
}
