// The words of tests of images. Data only: what a file of tests says, and what became of each test.
import type { Digest } from '../../model/index.ts';

/** What a text has to match, and what it may not: sources of regular expressions. */
export interface Expectation {
  readonly matches: readonly string[];
  readonly lacks: readonly string[];
}

interface Named {
  /** Shown, and the same in every run. */
  readonly name: string;
}

export interface FileTest extends Named, Expectation {
  readonly kind: 'file';
  readonly path: string;
  readonly exists: boolean;
  readonly type?: 'file' | 'directory' | 'link';
  /** The twelve bits of chmod(2). */
  readonly mode?: number;
  /** As `ls -l` shows it: `-rwxr-xr-x`. */
  readonly permissions?: string;
  /** `USER` or `USER:GROUP`, by name or number. */
  readonly owner?: string;
  readonly executableBy?: 'owner' | 'group' | 'other' | 'any';
}

export interface CommandTest extends Named {
  readonly kind: 'command';
  readonly args: readonly string[];
  /** Run before it and after it, each on the files that the one before left. */
  readonly setup: readonly (readonly string[])[];
  readonly teardown: readonly (readonly string[])[];
  readonly env: readonly string[];
  readonly user?: string;
  readonly workdir?: string;
  readonly privileged: boolean;
  readonly capabilities: readonly string[];
  readonly exitCode: number;
  readonly stdout: Expectation;
  readonly stderr: Expectation;
  /** Seconds; then it is killed and has failed. */
  readonly timeout: number;
}

/** A setting of the image's configuration that has one value. */
export interface SettingTest extends Named {
  readonly kind: 'setting';
  readonly setting: 'user' | 'workdir' | 'stop-signal' | 'entrypoint' | 'cmd';
  readonly value: string | readonly string[];
}

/** A variable or a label: the value itself, or what it matches. */
export interface EntryTest extends Named {
  readonly kind: 'entry';
  readonly of: 'env' | 'labels';
  readonly key: string;
  readonly value: string;
  readonly regular: boolean;
}

export interface MemberTest extends Named {
  readonly kind: 'member';
  readonly of: 'ports' | 'volumes';
  readonly key: string;
  readonly there: boolean;
}

export interface LimitTest extends Named {
  readonly kind: 'limit';
  readonly of: 'size' | 'layers';
  /** Bytes, or layers. */
  readonly most: number;
}

/** No file has the setuid or setgid bit but these. */
export interface SetuidTest extends Named {
  readonly kind: 'setuid';
  readonly except: readonly string[];
}

/** None of these packages is installed. */
export interface PackagesTest extends Named {
  readonly kind: 'packages';
  readonly packages: readonly string[];
}

export type ImageTest = FileTest | CommandTest | SettingTest | EntryTest | MemberTest | LimitTest | SetuidTest | PackagesTest;

export interface TestResult {
  readonly name: string;
  readonly kind: ImageTest['kind'] | 'stage';
  /** What is wrong; none when it passed. */
  readonly problems: readonly string[];
  readonly ms: number;
}

export interface TestReport {
  readonly image: string;
  readonly id: Digest;
  readonly results: readonly TestResult[];
}
