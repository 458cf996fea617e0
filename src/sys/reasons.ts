// System errors in the words of the C library, in which Docker shows them too.

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  ENOTDIR: 'not a directory',
  EEXIST: 'file exists',
  EISDIR: 'is a directory',
  ELOOP: 'too many levels of symbolic links',
  ENAMETOOLONG: 'file name too long',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EINVAL: 'invalid argument',
  EMLINK: 'too many links',
  // two of our own (regular.ts)
  ENOTREG: 'not a regular file',
  EFBIG: 'file too large',
};

/** What a system error says, when its code is one of these. */
export function reasonOf(e: unknown, ...codes: readonly (keyof typeof WORDS)[]): string | undefined {
  const { code } = e as NodeJS.ErrnoException;
  return code !== undefined && codes.includes(code) ? WORDS[code] : undefined;
}

/** What is wrong with a file, when `readRegularFile` and its like refused it for what it is. */
export const whyNotRead = (e: unknown): string | undefined => reasonOf(e, 'ENOTREG', 'EFBIG');

/** What is wrong with a path, when there can be no file whatever is done. */
export const whyNoPath = (e: unknown): string | undefined => reasonOf(e, 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG');
