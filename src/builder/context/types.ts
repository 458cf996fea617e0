// What a build reads its files from. A context is a directory on disk plus the list of what it leaves out;
// where it came from (a folder, an archive, a text on standard input) no longer matters to anybody past this folder.
import type { Readable } from 'node:stream';
import type { PartReader } from '../../dockerfile/index.ts';
import type { LayoutImage } from '../../image/index.ts';
import type { Digest } from '../../model/index.ts';
import type { Elsewhere } from '../elsewhere.ts';
import type { PathFilter } from '../steps/types.ts';

/** Where a request has its files from, as data: a name is one that the caller's session knows. */
export type ContextRequest =
  /** `written`: what the user wrote, for messages. */
  | { readonly kind: 'folder'; readonly name: string; readonly written: string }
  /** An archive, or the text of a Dockerfile alone. */
  | { readonly kind: 'stream'; readonly name: string }
  /** Nothing: the build is no Dockerfile's. */
  | { readonly kind: 'empty' }
  /** A Git repository, or what a URL gives. */
  | { readonly kind: 'remote'; readonly address: string };

/** Which Dockerfile is read; `Dockerfile` of the context when left out. */
export type DockerfileRequest =
  /** Below the context. */
  | { readonly kind: 'inside'; readonly path: string; readonly written: string }
  /** A file of another folder of the caller's. */
  | { readonly kind: 'outside'; readonly name: string; readonly file: string; readonly written: string }
  | { readonly kind: 'text'; readonly text: string };

export type NamedContextRequest =
  | { readonly kind: 'folder'; readonly name: string; readonly written: string }
  /** As a folder, but these paths alone, and without those of an ignore list, whatever `.dockerignore` there says. */
  | { readonly kind: 'files'; readonly name: string; readonly only?: readonly string[]; readonly ignore?: string }
  | { readonly kind: 'remote'; readonly address: string }
  | { readonly kind: 'image'; readonly ref: string }
  /** An image in an OCI layout, which is a folder of the caller's. */
  | { readonly kind: 'layout'; readonly name: string; readonly tag?: string; readonly digest?: Digest };

/** Where the files of a build come from. */
export type ContextSource =
  /** `written`: what the user wrote, for messages. */
  | { readonly kind: 'directory'; readonly path: string; readonly written?: string }
  /** An archive (plain, gzip, bzip2, xz or zstd), or, as `docker build -` has it, the text of a Dockerfile alone. */
  | { readonly kind: 'stream'; readonly stream: Readable }
  /** A Git repository, or what a URL gives: an archive or the text of a Dockerfile. */
  | { readonly kind: 'remote'; readonly address: string };

export interface ContextOptions {
  /** A path in the context, out of which it does not lead; or where the file lies and how messages call it. */
  readonly dockerfile?: string | { readonly path: string; readonly name: string; readonly within?: string };
  /** The text of the Dockerfile when `-f -` gave it; then no file is looked up. */
  readonly dockerfileText?: string;
  /** A folder in which streams are unpacked; it is created when missing. */
  readonly scratch: string;
  /** Which engine's words errors use. */
  readonly wording: 'graph' | 'classic';
  readonly signal: AbortSignal;
  /** What is needed to reach contexts elsewhere. */
  readonly elsewhere: Pick<Elsewhere, 'environment' | 'session'>;
  /** Of a Git repository, keep `.git`. */
  readonly keepGitDir?: boolean;
}

/** A Dockerfile, and how its INCLUDEs are followed. */
export interface DockerfileSource {
  readonly name: string;
  readonly text: string;
  readonly include?: PartReader;
}

/** A context ready to be read. `dispose` removes what was unpacked for it. */
export interface BuildContext {
  /** The directory on disk. */
  readonly root: string;
  /** Whether its files keep the owners they have: those of an archive do in the graph engine. Else they become root's. */
  readonly keepsOwners?: boolean;
  /** What is left out of it; undefined when nothing is. */
  readonly ignore: PathFilter | undefined;
  /** Where it came from, when that is elsewhere, and which version of it. */
  readonly origin?: { readonly uri: string; readonly digest?: string };
  /** The text of `.dockerignore` and its name, for messages that point at the excluding line. */
  readonly ignoreFile?: { readonly name: string; readonly text: string };
  /** Reads the Dockerfile. `name` is how messages call it. Throws not-found 'context.no-dockerfile'. */
  dockerfile(): DockerfileSource;
  /** The lock file beside the Dockerfile, if there is one. Throws invalid-argument 'context.lock' for what is no regular file. */
  lock(): { readonly name: string; readonly text: string } | undefined;
  dispose(): void;
  [Symbol.dispose](): void;
}

/** A directory, or something elsewhere that is fetched once a stage needs it. */
export interface NamedDirectory {
  readonly kind: 'directory';
  /** Fetches it at the first call. */
  open(): Promise<BuildContext>;
  /** Once it is open. */
  readonly context: BuildContext | undefined;
  /** Waits for what is being fetched, and removes it. */
  dispose(): Promise<void>;
}

/** A context of `--build-context name=…`. */
export type NamedContext =
  | NamedDirectory
  | { readonly kind: 'image'; readonly ref: string }
  /** `oci-layout://PATH[:TAG][@DIGEST]`: an image of a layout on disk. */
  | { readonly kind: 'layout'; readonly layout: LayoutImage; dispose(): void };
