// `~/.docker/config.json`: who signs in where, with helpers that keep secrets elsewhere (docker-credential-helpers protocol:
// the program docker-credential-NAME with get, store or erase, JSON on its standard streams). Other settings in the file stay.
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import { readRegularFile, withStreams, writeFileAtomic } from '../sys/index.ts';
import type { CredentialSource, Credentials } from './types.ts';

interface AuthEntry {
  auth?: string;
  username?: string;
  password?: string;
  identitytoken?: string;
  registrytoken?: string;
}

interface ConfigFile {
  auths?: Record<string, AuthEntry>;
  credsStore?: string;
  credHelpers?: Record<string, string>;
}

/** What a helper calls an identity token. */
const TOKEN_USER = '<token>';

export class ConfigCredentials implements CredentialSource {
  readonly #path: string;
  readonly #environment: Readonly<Record<string, string>>;

  /** @param path of config.json; it need not be there */
  constructor(path: string, environment: Readonly<Record<string, string>>) {
    this.#path = path;
    this.#environment = environment;
  }

  async get(key: string): Promise<Credentials | undefined> {
    const config = this.#read();
    const helper = helperOf(config, key);
    if (helper !== undefined) {
      const found = await this.#helper(helper, 'get', key);
      if (found === undefined) return undefined;
      const { Username: username, Secret: secret } = this.#parsed(found, `what docker-credential-${helper} answers`);
      if (typeof username !== 'string' || typeof secret !== 'string') return undefined;
      return username === TOKEN_USER ? { identityToken: secret } : { username, password: secret };
    }
    const entry = Object.entries(config.auths ?? {}).find(([name]) => same(name, key))?.[1];
    return entry == null ? undefined : credentialsOf(entry);
  }

  /** Keeps credentials, in the helper that is configured or in the file. Says where. */
  async store(key: string, c: Credentials): Promise<'helper' | 'file'> {
    const config = this.#read();
    const helper = helperOf(config, key);
    if (helper !== undefined) {
      const secret =
        c.identityToken !== undefined ? { Username: TOKEN_USER, Secret: c.identityToken } : { Username: c.username, Secret: c.password };
      await this.#helper(helper, 'store', JSON.stringify({ ServerURL: key, ...secret }));
      this.#write({ ...config, auths: { ...config.auths, [key]: {} } });
      return 'helper';
    }
    const pair = `${c.username ?? ''}:${c.identityToken !== undefined ? '' : (c.password ?? '')}`;
    const entry: AuthEntry = {
      auth: Buffer.from(pair).toString('base64'),
      ...(c.identityToken !== undefined && { identitytoken: c.identityToken }),
    };
    this.#write({ ...config, auths: { ...config.auths, [key]: entry } });
    return 'file';
  }

  /** Forgets credentials; false when there were none. */
  async erase(key: string): Promise<boolean> {
    const config = this.#read();
    const helper = helperOf(config, key);
    const names = Object.keys(config.auths ?? {}).filter((name) => same(name, key));
    if (helper !== undefined) await this.#helper(helper, 'erase', key);
    if (names.length === 0) return false;
    const auths = Object.fromEntries(Object.entries(config.auths ?? {}).filter(([name]) => !names.includes(name)));
    this.#write({ ...config, auths });
    return true;
  }

  #read(): ConfigFile {
    let text: string;
    try {
      text = readRegularFile(this.#path).toString();
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code === 'ENOENT') return {};
      throw e;
    }
    return this.#parsed(text === '' ? '{}' : text, this.#path) as ConfigFile;
  }

  #parsed(text: string, what: string): Readonly<Record<string, unknown>> {
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    } catch {
      // told below
    }
    throw new SlipwayError('invalid-argument', 'credentials.config', `${what} is not valid JSON`, { hints: ['mend it or take it away'] });
  }

  #write(config: ConfigFile): void {
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    const mode = statSync(this.#path, { throwIfNoEntry: false })?.mode ?? 0o600;
    writeFileAtomic(this.#path, `${JSON.stringify(config, null, '\t')}\n`, { mode: mode & 0o777 });
    chmodSync(this.#path, mode & 0o777);
  }

  /** What a helper answers; undefined when it says that it has nothing. */
  async #helper(name: string, action: 'get' | 'store' | 'erase', input: string): Promise<string | undefined> {
    // with a slash it would be a path, also one below the current folder
    if (typeof name !== 'string' || !/^[^/\0]+$/.test(name))
      throw new SlipwayError('invalid-argument', 'credentials.helper', `${this.#path}: invalid credential helper ${JSON.stringify(name)}`);
    const program = `docker-credential-${name}`;
    return new Promise((resolve, reject) => {
      const child = withStreams(spawn(program, [action], { env: { ...this.#environment }, stdio: ['pipe', 'pipe', 'pipe'] }));
      const out: Buffer[] = [];
      const err: Buffer[] = [];
      child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
      child.on('error', (e: NodeJS.ErrnoException) =>
        reject(
          e.code === 'ENOENT'
            ? new SlipwayError('failed-precondition', 'credentials.helper', `${program} is not installed`, {
                hints: [`${this.#path} names it: install it, or take credsStore and credHelpers out`],
              })
            : e,
        ),
      );
      child.on('close', (code) => {
        const text = Buffer.concat(out).toString('utf8').trim();
        if (code === 0) return resolve(text);
        const said = text || Buffer.concat(err).toString('utf8').trim();
        if (/credentials not found in native keychain/i.test(said)) return resolve(undefined);
        // What a helper says about storing might repeat the secret.
        const why = action === 'store' ? `exit code ${code}` : said.slice(0, 200);
        reject(new SlipwayError('failed-precondition', 'credentials.helper', `${program} ${action} failed: ${why}`));
      });
      child.stdin.on('error', () => {});
      child.stdin.end(input);
    });
  }
}

function helperOf(config: ConfigFile, key: string): string | undefined {
  const own = Object.entries(config.credHelpers ?? {}).find(([name]) => same(name, key))?.[1];
  return own ?? (config.credsStore || undefined);
}

/** `https://host/v1/` of old configurations and `host` are the same. */
function same(a: string, b: string): boolean {
  const host = (text: string): string => text.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return a === b || host(a) === host(b);
}

/** Anything may stand in the file. */
const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

function credentialsOf(entry: AuthEntry): Credentials | undefined {
  let [username, password] = [textOf(entry.username), textOf(entry.password)];
  const pair = textOf(entry.auth) && Buffer.from(entry.auth!, 'base64').toString('utf8');
  const colon = pair?.indexOf(':') ?? -1;
  if (colon >= 0) [username, password] = [pair!.slice(0, colon), pair!.slice(colon + 1).replace(/\0+$/, '')];
  const [identityToken, registryToken] = [textOf(entry.identitytoken), textOf(entry.registrytoken)];
  const c: Credentials = {
    ...(username && { username }),
    ...(password && { password }),
    ...(identityToken && { identityToken }),
    ...(registryToken && { registryToken }),
  };
  return Object.keys(c).length === 0 ? undefined : c;
}
