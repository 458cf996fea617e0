// The words of attest/: packages found in a file system, and statements about an image. Data only.

export interface Package {
  readonly name: string;
  readonly version: string;
  /** package-url.github.io: `pkg:deb/debian/bash@5.2.15?arch=amd64`. */
  readonly purl: string;
  readonly license?: string;
  /** Where it was found, from the root. */
  readonly source: string;
}

/** Reads files of one file system, and never outside of it. */
export interface Tree {
  /** undefined when it is no readable file, or is larger than `limit` bytes. */
  read(path: string, limit?: number): Buffer | undefined;
  /** Names in a directory; none when it is not there. */
  list(path: string): string[];
  /** Regular files with one of these names, anywhere but in /proc and /sys. */
  find(names: ReadonlySet<string>): string[];
}
