// What ADD takes from elsewhere. Lowering asks what an address stands for now; the driver brings it when a step must read it.
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { SourceOp } from '../graph/index.ts';
import { type Session, type SourceExcerpt, SlipwayError } from '../model/index.ts';
import {
  authorizationSecrets,
  checkOut,
  fileNameOf,
  type GitOptions,
  type GitSource,
  gitSource,
  isHttpUrl,
  resolveCommit,
} from '../remote/index.ts';
import { removeTree, RootedTree } from '../sys/index.ts';

export interface Elsewhere {
  /** Of programs that fetch: git. */
  readonly environment: Readonly<Record<string, string>>;
  readonly session: Pick<Session, 'secret'>;
  readonly signal: AbortSignal;
}

/** The name of what has none, as BuildKit calls it. */
const UNNAMED = '__unnamed__';

/** Algorithms of digests, and how many digits each has. */
const DIGITS: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

export interface AddFlags {
  readonly checksum?: string;
  readonly keepGitDir?: boolean;
}

/** The source that an address of ADD stands for; undefined when it is a path. Asks a Git server which commit is meant. */
export async function remoteSource(
  address: string,
  flags: AddFlags,
  request: Elsewhere,
  source: SourceExcerpt,
): Promise<SourceOp | undefined> {
  const git = gitSource(address);
  if (git !== undefined) return gitOp(address, git, flags, request);
  if (!isHttpUrl(address)) return undefined;
  const wrong = flags.checksum === undefined ? undefined : wrongChecksum(flags.checksum);
  if (wrong !== undefined)
    throw new SlipwayError('invalid-argument', 'add.checksum', wrong, {
      source,
      hints: ['it is written sha256: and 64 hexadecimal digits'],
    });
  const name = URL.canParse(address) ? (fileNameOf(address) ?? UNNAMED) : UNNAMED;
  return { kind: 'source', identifier: address, http: { name, ...(flags.checksum !== undefined && { checksum: flags.checksum }) } };
}

/** What is wrong with a digest, in the words of Docker. */
function wrongChecksum(text: string): string | undefined {
  const [, algorithm, digits = ''] = /^([A-Za-z0-9_+.-]+):([a-fA-F0-9]+)$/.exec(text) ?? [];
  if (algorithm === undefined) return 'invalid checksum digest format';
  if (!Object.hasOwn(DIGITS, algorithm)) return 'unsupported digest algorithm';
  if (digits.length !== DIGITS[algorithm]) return 'invalid checksum digest length';
  if (!/^[a-f0-9]+$/.test(digits)) return 'invalid checksum digest format';
  return algorithm === 'sha256' ? undefined : 'unsupported digest algorithm';
}

/** The source that a repository is; asks its server which commit is meant. @throws as `resolveCommit` does */
export async function gitOp(address: string, git: GitSource, flags: AddFlags, request: Elsewhere): Promise<SourceOp> {
  const wanted = flags.checksum === undefined ? git : { ...git, checksum: flags.checksum };
  const commit = await resolveCommit(wanted, await gitOptions(git, request));
  const keepGitDir = flags.keepGitDir ?? git.keepGitDir ?? false;
  return {
    kind: 'source',
    identifier: address,
    git: { commit, folder: git.folder ?? '', keepGitDir, submodules: git.submodules ?? true },
  };
}

/** Brings a repository into a folder of its own in `scratch`, and returns the folder to read. The caller removes `scratch`'s folder. */
export async function bring(
  op: SourceOp,
  scratch: string,
  request: Elsewhere,
): Promise<{ readonly root: string; readonly remove: string }> {
  const folder = mkdtempSync(join(scratch, 'remote-'));
  try {
    const git = gitSource(op.identifier)!;
    const wanted = op.git!;
    const to = join(folder, 'files');
    await checkOut(git, wanted.commit, to, {
      ...(await gitOptions(git, request)),
      keepGitDir: wanted.keepGitDir,
      submodules: wanted.submodules,
    });
    return { root: folderWithin(to, wanted.folder), remove: folder };
  } catch (e) {
    removeTree(folder);
    throw e;
  }
}

/** A folder of the repository, which a link of the repository's must not lead out of. Throws not-found 'git.no-folder'. */
export function folderWithin(repository: string, folder: string): string {
  try {
    using tree = new RootedTree(repository);
    const inside = tree.locate(folder);
    if (tree.stat(inside)?.isDirectory()) return join(repository, inside);
  } catch (e) {
    if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes((e as NodeJS.ErrnoException).code ?? '')) throw e;
  }
  throw new SlipwayError('not-found', 'git.no-folder', `subdir ${folder} not found in the repository, or no directory`);
}

/** The secrets by which BuildKit lets private repositories be read. @throws as `Session.secret` */
export async function gitOptions(git: GitSource, request: Elsewhere): Promise<GitOptions> {
  const host = /^https?:\/\/([^/@]*@)?([^/]+)/i.exec(git.remote)?.[2];
  const secret = async (name: string): Promise<string | undefined> =>
    (host === undefined ? undefined : await secretText(`${name}.${host}`, request)) ?? (await secretText(name, request));
  const header = await secret('GIT_AUTH_HEADER');
  const token = await secret('GIT_AUTH_TOKEN');
  const auth =
    header !== undefined
      ? ({ kind: 'header', value: header } as const)
      : token !== undefined
        ? ({ kind: 'token', value: token } as const)
        : undefined;
  return { environment: request.environment, signal: request.signal, ...(auth && { auth }) };
}

/** The Authorization header for a host; undefined when no secret gives one. @throws as `Session.secret` */
export async function httpAuthorization(url: string, request: Pick<Elsewhere, 'session' | 'signal'>): Promise<string | undefined> {
  const names = authorizationSecrets(url);
  if (names === undefined) return undefined;
  const token = await secretText(names.token, request);
  return token === undefined ? await secretText(names.header, request) : `Bearer ${token}`;
}

async function secretText(name: string, { session, signal }: Pick<Elsewhere, 'session' | 'signal'>): Promise<string | undefined> {
  const found = await session.secret(name, signal);
  return found && Buffer.from(found).toString().trim();
}
