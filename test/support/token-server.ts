// A token server for tests, which signs as docker-registry verifies (distribution, "Token Authentication Implementation"): GET
// with Basic, OAuth2 POST with passwords and refresh tokens, and Azure's exchange.
import { createSign, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pemBody } from './registry.ts';

export interface TokenServerOptions {
  readonly users: Readonly<Record<string, string>>;
  readonly issuer: string;
  readonly cert: string;
  readonly key: string;
  /** Forms that are answered. */
  readonly get: boolean;
  readonly post: boolean;
  /** Azure: this access token is exchanged for a refresh token. */
  readonly accessToken?: string;
  /** Seconds. */
  readonly life?: number;
}

export class TokenServer {
  readonly requests: { method: string; path: string; body: URLSearchParams; authorization: string | undefined }[] = [];
  readonly #o: TokenServerOptions;
  readonly #refresh = new Map<string, string>();
  #server: Server | undefined;

  constructor(o: TokenServerOptions) {
    this.#o = o;
  }

  async start(): Promise<string> {
    this.#server = createServer((req, res) => {
      const chunks: Buffer[] = [];
      req.on('data', (chunk: Buffer) => chunks.push(chunk));
      req.on('end', () => {
        const [status, body] = this.#answer(req, new URLSearchParams(Buffer.concat(chunks).toString()));
        res.writeHead(status, { 'content-type': 'application/json' });
        res.end(JSON.stringify(body));
      });
    });
    await new Promise<void>((resolve) => this.#server?.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/oauth2/token`;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  #answer(req: IncomingMessage, form: URLSearchParams): [number, unknown] {
    const url = new URL(req.url ?? '/', 'http://localhost');
    this.requests.push({ method: req.method ?? '', path: url.pathname, body: form, authorization: req.headers.authorization });
    if (req.method === 'GET' && this.#o.get) {
      const [user, password] = Buffer.from((req.headers.authorization ?? '').replace(/^Basic /, ''), 'base64')
        .toString()
        .split(':');
      if (req.headers.authorization !== undefined && this.#o.users[user ?? ''] !== password) return [401, denied];
      const named = req.headers.authorization === undefined ? '' : (user ?? '');
      return [200, this.#token(named, url.searchParams.getAll('scope'), url.searchParams.get('offline_token') === 'true')];
    }
    if (req.method === 'POST' && url.pathname === '/oauth2/exchange' && this.#o.accessToken !== undefined) {
      if (form.get('access_token') !== this.#o.accessToken) return [401, denied];
      return [200, { refresh_token: this.#issue('azure') }];
    }
    if (req.method !== 'POST' || !this.#o.post) return [404, { errors: [{ code: 'NOT_FOUND', message: 'no such form' }] }];
    const scopes = (form.get('scope') ?? '').split(' ').filter(Boolean);
    if (form.get('grant_type') === 'password') {
      const user = form.get('username') ?? '';
      if (this.#o.users[user] !== form.get('password')) return [401, denied];
      return [200, this.#token(user, scopes, form.get('access_type') === 'offline')];
    }
    const user = this.#refresh.get(form.get('refresh_token') ?? '');
    return user === undefined ? [401, denied] : [200, this.#token(user, scopes, false)];
  }

  #issue(user: string): string {
    const token = randomBytes(16).toString('hex');
    this.#refresh.set(token, user);
    return token;
  }

  /** Nobody in particular may pull; whoever has signed in may do everything. */
  #token(user: string, scopes: readonly string[], offline: boolean): unknown {
    const now = Math.floor(Date.now() / 1000);
    const access = scopes.map((scope) => {
      const [type, name, actions] = scope.split(':');
      return { type, name, actions: (actions ?? '').split(',').filter((action) => user !== '' || action === 'pull') };
    });
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const head = part({ typ: 'JWT', alg: 'ES256', x5c: [pemBody(this.#o.cert)] });
    const claims = part({
      iss: this.#o.issuer,
      sub: user,
      aud: 'tests',
      exp: now + 300,
      nbf: now - 10,
      iat: now,
      jti: String(this.requests.length),
      access,
    });
    const sign = createSign('SHA256').update(`${head}.${claims}`);
    const signature = sign.sign({ key: readFileSync(this.#o.key), dsaEncoding: 'ieee-p1363' }).toString('base64url');
    return {
      token: `${head}.${claims}.${signature}`,
      expires_in: this.#o.life ?? 300,
      ...(offline && { refresh_token: this.#issue(user) }),
    };
  }
}

const denied = { errors: [{ code: 'UNAUTHORIZED', message: 'wrong user name or password' }] };
