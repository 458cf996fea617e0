// The words of scaffold/: a project as far as a Dockerfile for it needs to know, and what is written for it.

/** The folder of a project, read only; names are relative to it. */
export interface ProjectFolder {
  /** The names in it, or in a folder of it; none when there is no such folder. */
  list(path?: string): readonly string[];
  /** The text of a small file; undefined when there is none. */
  read(path: string): string | undefined;
}

/** A few instructions, and the reason for them. */
export interface Block {
  readonly why: string;
  readonly lines: readonly string[];
}

export interface IgnoreBlock {
  readonly why: string;
  readonly patterns: readonly string[];
}

export interface Written {
  readonly blocks: readonly Block[];
  /** What this language adds to what no context needs. */
  readonly ignore: readonly IgnoreBlock[];
}

export interface Language {
  /** As `--language` takes it: `go`. */
  readonly name: string;
  /** `Go`. */
  readonly title: string;
  /** The file by which the folder is recognised; undefined when it is no such project. */
  recognise(folder: ProjectFolder): string | undefined;
  write(folder: ProjectFolder): Written;
}
