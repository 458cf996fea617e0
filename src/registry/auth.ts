// Signing in to one registry: Basic, or tokens of a token server got by GET or by OAuth2 POST (distribution, "Token
// Authentication" and "OAuth2 Token"). Tokens are kept by scope while they last. No secret gets into a message.
import { isSlipwayError, SlipwayError } from '../model/index.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { parseServerErrors } from './errors.ts';
import { drop, type Http, type HttpResponse, isLoopback, readSmall } from './http.ts';
import type { Credentials } from './types.ts';

interface Token {
  readonly value: string;
  /** ms since the epoch. */
  readonly expiresAt: number;
}

/** A token is renewed so long (ms) before it runs out. */
const MARGIN = 10_000;
/** What a token lasts when the server does not say (s; the specification's own default). */
const USUAL_LIFE = 60;
const CLIENT = 'slipway';
/** Azure's user name for tokens. */
const AZURE_TOKEN_USER = '00000000-0000-0000-0000-000000000000';

export interface AuthOptions {
  readonly http: Http;
  readonly insecure: boolean;
  readonly credentials: Credentials | undefined;
  readonly signal: AbortSignal;
  readonly now?: () => number;
}

export class Auth {
  readonly #o: AuthOptions;
  readonly #tokens = new Map<string, Promise<Token>>();
  #challenge: Challenge | undefined;
  /** The registry is one of this machine. */
  #local = false;
  #refreshToken: string | undefined;

  constructor(o: AuthOptions) {
    this.#o = o;
    const { credentials: c } = o;
    this.#refreshToken = c?.identityToken || (c?.username === AZURE_TOKEN_USER ? c.password : undefined);
  }

  /** The refresh token of the token server, when it gave one: what `login` keeps instead of the password. */
  get identityToken(): string | undefined {
    return this.#refreshToken;
  }

  /** What goes into the Authorization header for these scopes; undefined before the registry has asked for anything. */
  async header(scopes: readonly string[]): Promise<string | undefined> {
    const { credentials: c } = this.#o;
    if (c?.registryToken) return `Bearer ${c.registryToken}`;
    if (this.#challenge === undefined) return undefined;
    if (this.#challenge.scheme === 'basic') {
      if (c?.username === undefined || c.password === undefined) return undefined;
      return `Basic ${Buffer.from(`${c.username}:${c.password}`).toString('base64')}`;
    }
    return `Bearer ${(await this.#token(scopes)).value}`;
  }

  /** Takes a 401 in: true when another attempt, with what `header` gives now, makes sense. */
  async challenged(response: HttpResponse, scopes: readonly string[]): Promise<boolean> {
    const header = response.headers['www-authenticate'];
    const challenges = parseChallenges(Array.isArray(header) ? header.join(', ') : (header ?? ''));
    const { credentials: c } = this.#o;
    const usable =
      challenges.find((ch) => ch.scheme === 'bearer' && ch.parameters['realm'] !== undefined) ??
      challenges.find((ch) => ch.scheme === 'basic' && c?.username !== undefined);
    if (usable === undefined) return false;
    const again = this.#challenge !== undefined && JSON.stringify(this.#challenge) === JSON.stringify(usable);
    this.#challenge = usable;
    this.#local = isLoopback(response.url.host);
    // The same question twice: the token may have run out early; for Basic the password is simply wrong.
    if (again && usable.scheme === 'basic') return false;
    this.#tokens.delete(keyOf(scopes));
    return true;
  }

  #token(scopes: readonly string[]): Promise<Token> {
    const key = keyOf(scopes);
    const now = this.#o.now ?? Date.now;
    const known = this.#tokens.get(key);
    const fresh = (async (): Promise<Token> => {
      const token = await known?.catch(() => undefined);
      if (token !== undefined && token.expiresAt - MARGIN > now()) return token;
      return this.#fetch(scopes);
    })();
    fresh.catch(() => this.#tokens.delete(key));
    this.#tokens.set(key, fresh);
    return fresh;
  }

  async #fetch(scopes: readonly string[]): Promise<Token> {
    const { credentials: c } = this.#o;
    if (this.#refreshToken !== undefined) {
      try {
        return await this.#post({ grant_type: 'refresh_token', refresh_token: this.#refreshToken }, scopes);
      } catch (e) {
        // What Azure's users hold may also be an access token, which is exchanged for a refresh token once.
        if (c?.username !== AZURE_TOKEN_USER || !isSlipwayError(e) || e.kind !== 'permission-denied') throw e;
        this.#refreshToken = await this.#exchange(this.#refreshToken);
        return this.#post({ grant_type: 'refresh_token', refresh_token: this.#refreshToken }, scopes);
      }
    }
    try {
      return await this.#get(scopes);
    } catch (e) {
      const noGet = isSlipwayError(e) && (e.code === 'registry.token-404' || e.code === 'registry.token-405');
      if (!noGet || c?.username === undefined || c.password === undefined) throw e;
      return this.#post({ grant_type: 'password', username: c.username, password: c.password, access_type: 'offline' }, scopes);
    }
  }

  async #get(scopes: readonly string[]): Promise<Token> {
    const { credentials: c, http, signal, insecure } = this.#o;
    const url = this.#realm();
    if (this.#service !== undefined) url.searchParams.set('service', this.#service);
    for (const scope of scopes) url.searchParams.append('scope', scope);
    const headers: Record<string, string> = {};
    if (c?.username !== undefined && c.password !== undefined) {
      url.searchParams.set('offline_token', 'true');
      url.searchParams.set('client_id', CLIENT);
      url.searchParams.set('account', c.username);
      headers['authorization'] = `Basic ${Buffer.from(`${c.username}:${c.password}`).toString('base64')}`;
    }
    return this.#take(await http.send({ method: 'GET', url, headers, signal, insecure, follow: true }));
  }

  async #post(grant: Record<string, string>, scopes: readonly string[]): Promise<Token> {
    const { http, signal, insecure } = this.#o;
    const form = new URLSearchParams({ ...grant, client_id: CLIENT, ...(this.#service !== undefined && { service: this.#service }) });
    if (scopes.length > 0) form.set('scope', scopes.join(' '));
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return this.#take(
      await http.send({ method: 'POST', url: this.#realm(), headers, body: Buffer.from(form.toString()), signal, insecure }),
    );
  }

  /** Azure Container Registry: an access token of Microsoft Entra becomes a refresh token of the registry. */
  async #exchange(accessToken: string): Promise<string> {
    const { http, signal, insecure } = this.#o;
    const url = new URL('/oauth2/exchange', this.#realm());
    const form = new URLSearchParams({ grant_type: 'access_token', service: this.#service ?? url.host, access_token: accessToken });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const response = await http.send({ method: 'POST', url, headers, body: Buffer.from(form.toString()), signal, insecure });
    if (response.status !== 200) throw await refused(response);
    const { refresh_token: token } = await json(response);
    if (typeof token !== 'string' || token === '') throw malformed(url);
    return token;
  }

  async #take(response: HttpResponse): Promise<Token> {
    if (response.status !== 200) throw await refused(response);
    const body = await json(response);
    const value = body['token'] ?? body['access_token'];
    // it goes into a header
    if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) throw malformed(response.url);
    const { refresh_token: refresh, expires_in: life } = body;
    if (typeof refresh === 'string' && refresh !== '') this.#refreshToken = refresh;
    // The server's clock may be another one, so the time of issue is ours.
    const seconds = typeof life === 'number' && life > 0 ? life : USUAL_LIFE;
    return { value, expiresAt: (this.#o.now ?? Date.now)() + seconds * 1000 };
  }

  get #service(): string | undefined {
    return this.#challenge?.parameters['service'];
  }

  #realm(): URL {
    const realm = this.#challenge?.parameters['realm'] ?? '';
    let url: URL;
    try {
      url = new URL(realm);
    } catch {
      throw new SlipwayError('data-loss', 'registry.realm', `the registry names no address for tokens: ${JSON.stringify(realm)}`);
    }
    const plain = url.protocol === 'http:' && (this.#o.insecure || (this.#local && isLoopback(url.host)));
    if (url.protocol !== 'https:' && !plain)
      throw new SlipwayError(
        'permission-denied',
        'registry.realm',
        `the registry wants credentials to be sent to ${url.host} without encryption`,
        {
          hints: ['set the registry as insecure, if that is meant'],
        },
      );
    return url;
  }
}

const keyOf = (scopes: readonly string[]): string => [...scopes].sort().join(' ');

async function json(response: HttpResponse): Promise<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse((await readSmall(response, 1 << 20)).toString('utf8'));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (e) {
    if (isSlipwayError(e)) throw e;
  }
  throw malformed(response.url);
}

const malformed = (url: URL): SlipwayError => new SlipwayError('data-loss', 'registry.token', `${url.host} answers without a token`);

async function refused(response: HttpResponse): Promise<SlipwayError> {
  const { status, url } = response;
  const errors = status < 500 ? parseServerErrors(await readSmall(response).catch(() => Buffer.alloc(0))) : (await drop(response), []);
  const said = errors[0] === undefined ? '' : `: ${errors[0].message}`;
  const denied = status === 400 || status === 401 || status === 403;
  return new SlipwayError(
    denied ? 'permission-denied' : 'unavailable',
    denied ? 'registry.unauthorized' : `registry.token-${status}`,
    `${url.host} gives no token${said} (${status})`,
    {
      hints: denied ? ['user name or password is wrong, or the account may not do this: slipway login'] : [],
    },
  );
}
