// Git repositories, by the program `git`: which commit a name stands for, and the files of one commit without its past.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isSlipwayError, SlipwayError } from '../model/index.ts';
import { findExecutable, runWatched } from '../sys/index.ts';
import { type GitSource, percentDecoded, withoutCredentials } from './address.ts';

export interface GitOptions {
  readonly signal: AbortSignal;
  /** For HTTPS: a token, or a whole `Authorization` header. It reaches git by its environment, never by its arguments. */
  readonly auth?: { readonly kind: 'token' | 'header'; readonly value: string };
  /** What git itself gets: the user's, for an SSH agent, a proxy and helpers that know passwords. */
  readonly environment: Readonly<Record<string, string>>;
  /** ms in which git must get on, 60,000 when left out: a server that sends nothing at all is given up. */
  readonly patience?: number;
}

const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

/**
 * The commit that a source stands for now. A branch is preferred to a tag of the same name, as `git checkout` does.
 * Throws not-found 'git.no-ref', invalid-argument 'git.checksum', unavailable 'git.failed', failed-precondition 'git.missing'.
 */
export async function resolveCommit(source: GitSource, o: GitOptions): Promise<string> {
  const commit = await find(source, o);
  if (source.checksum !== undefined && !commit.startsWith(source.checksum.toLowerCase())) {
    throw new SlipwayError('invalid-argument', 'git.checksum', `expected checksum to match ${source.checksum}, got ${commit}`, {
      hints: ['the branch or tag has moved since the checksum was written down'],
    });
  }
  return commit;
}

async function find(source: GitSource, o: GitOptions): Promise<string> {
  const ref = source.ref ?? 'HEAD';
  if (COMMIT.test(ref)) return ref;
  const text = await git(undefined, ['ls-remote', '--', source.remote, ref, `${ref}^{}`], source, o);
  const known = new Map(text.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t').toReversed() as [string, string]])));
  const heads = [`refs/heads/${ref}`];
  const tags = [`refs/tags/${ref}^{}`, `refs/tags/${ref}`];
  const names =
    source.refKind === 'branch' ? heads : source.refKind === 'tag' ? tags : [...heads, ...tags, `${ref}^{}`, ref, `refs/${ref}`];
  for (const name of names) {
    const commit = known.get(name);
    if (commit !== undefined) return commit;
  }
  throw new SlipwayError('not-found', 'git.no-ref', `repository ${withoutCredentials(source.remote)} does not contain ref ${ref}`);
}

/** Puts the files of a commit into `folder`, which must not exist yet; with `keepGitDir` also `.git`, without history. */
export async function checkOut(
  source: GitSource,
  commit: string,
  folder: string,
  o: GitOptions & { readonly keepGitDir: boolean; readonly submodules: boolean },
): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const at = (args: readonly string[]): Promise<string> => git(folder, args, source, o);
  // A repository has commits of one hash, which their length tells.
  await at(['init', '-q', ...(commit.length === 64 ? ['--object-format=sha256'] : [])]);
  await at(['remote', 'add', 'origin', '--', source.remote]);
  try {
    await at(['fetch', '-q', '--depth=1', '--no-tags', 'origin', commit]);
  } catch (e) {
    o.signal.throwIfAborted();
    if (!isSlipwayError(e) || e.code !== 'git.failed') throw e;
    // A server need not give a commit by its number (uploadpack.allowReachableSHA1InWant): then by all names that there are.
    await at(['fetch', '-q', '--tags', 'origin', '+refs/heads/*:refs/remotes/origin/*']);
  }
  await at(['checkout', '-q', '--detach', commit]);
  if (o.submodules) {
    const update = ['submodule', '-q', 'update', '--init', '--recursive'];
    // Plain files by HTTP know no depth.
    await at([...update, '--depth=1']).catch((e: unknown) => {
      o.signal.throwIfAborted();
      if (!isSlipwayError(e) || e.code !== 'git.failed') throw e;
      return at(update);
    });
  }
  if (!o.keepGitDir) removeGitFolders(folder);
}

function removeGitFolders(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.name === '.git') rmSync(path, { recursive: true, force: true });
    else if (entry.isDirectory()) removeGitFolders(path);
  }
}

/** ms; a server that packs a large repository says every five seconds that it still lives (uploadpack.keepAlive of git-config). */
const PATIENCE = 60_000;

/** Settings of the user that would change what a commit's files are, or run programs of theirs. */
const SETTINGS = [
  'core.autocrlf=false',
  'core.hooksPath=/dev/null',
  'advice.detachedHead=false',
  'init.defaultBranch=main',
  'maintenance.auto=false',
];

async function git(folder: string | undefined, args: readonly string[], source: GitSource, o: GitOptions): Promise<string> {
  const program = findExecutable('git');
  if (program === undefined) {
    throw new SlipwayError('failed-precondition', 'git.missing', 'git is needed to read a repository, and is not installed', {
      hints: ['apt-get install git'],
    });
  }
  const settings = SETTINGS.flatMap((setting) => ['-c', setting]);
  const where = folder === undefined ? [] : ['-C', folder];
  // Every user of the machine can read arguments, and a stage that keeps .git its configuration.
  const shown = args.map((arg) => (arg === source.remote ? splitRemote(arg).remote : arg));
  // Files are to be as everybody can read them, whatever the umask of who builds.
  const result = await runWatched('/bin/sh', ['-c', 'umask 022; exec "$@"', 'sh', program, ...settings, ...where, ...shown], {
    env: environment(source, o),
    signal: o.signal,
    patience: o.patience ?? PATIENCE,
    stalled: () =>
      new SlipwayError('unavailable', 'git.stalled', `git ${args[0]} of ${withoutCredentials(source.remote)}: the server sends nothing`),
  });
  if (result.exitCode === 0) return result.stdout;
  const reason = withoutCredentials(result.stderr.trim().split('\n').at(-1) ?? '');
  throw new SlipwayError('unavailable', 'git.failed', `git ${args[0]} of ${withoutCredentials(source.remote)} failed: ${reason}`, {
    hints: ['check the address and that this machine may read it; --ssh lends an agent, the secret GIT_AUTH_TOKEN a token'],
  });
}

function environment(source: GitSource, o: GitOptions): Record<string, string> {
  const env: Record<string, string> = { ...o.environment };
  for (const name of Object.keys(env)) if (name.startsWith('GIT_')) delete env[name];
  env['GIT_TERMINAL_PROMPT'] = '0';
  env['GIT_SSH_COMMAND'] = 'ssh -o BatchMode=yes';
  env['LC_ALL'] = 'C';
  const { login } = splitRemote(source.remote);
  const basic = (text: string): string => `basic ${Buffer.from(text).toString('base64')}`;
  const header =
    o.auth === undefined ? login && basic(login) : o.auth.kind === 'token' ? basic(`x-access-token:${o.auth.value}`) : o.auth.value;
  if (header !== undefined && /^https?:/i.test(source.remote)) {
    env['GIT_CONFIG_COUNT'] = '1';
    env['GIT_CONFIG_KEY_0'] = `http.${new URL(source.remote).origin}/.extraheader`;
    env['GIT_CONFIG_VALUE_0'] = `Authorization: ${header}`;
  }
  return env;
}

/** The address without name and password, and these. Those of other protocols stay: `git@` names the user of an SSH server. */
function splitRemote(remote: string): { readonly remote: string; readonly login?: string } {
  if (!/^https?:/i.test(remote)) return { remote };
  const url = new URL(remote);
  if (url.username === '' && url.password === '') return { remote };
  const login = `${percentDecoded(url.username)}:${percentDecoded(url.password)}`;
  url.username = '';
  url.password = '';
  return { remote: url.href, login };
}
