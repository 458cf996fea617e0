// One registry: where it listens, and exchanges with it that carry what it wants to be signed with.
import type { Readable } from 'node:stream';
import { SlipwayError } from '../model/index.ts';
import { Auth } from './auth.ts';
import { statusError } from './errors.ts';
import { drop, type Headers, type Http, type HttpRequest, type HttpResponse, isLoopback, readSmall } from './http.ts';
import { pages } from './pages.ts';
import type { Credentials } from './types.ts';

/** Docker Hub goes by one name and listens at another. */
export const HUB = 'docker.io';
const HUB_HOST = 'registry-1.docker.io';

/** How hosts that sign in are called in configurations: Docker Hub by its old address. */
export const credentialKey = (domain: string): string => (domain === HUB || domain === HUB_HOST ? 'https://index.docker.io/v1/' : domain);

export interface HostOptions {
  readonly http: Http;
  readonly credentials: () => Promise<Credentials | undefined>;
  /** Plain HTTP may be tried. Loopback hosts always may. */
  readonly insecure: boolean;
  readonly signal: AbortSignal;
  /** What is asked for to find out where it listens; `/v2/`, which must exist, when left out. */
  readonly probe?: string;
}

export interface Exchange {
  readonly method: HttpRequest['method'];
  /** Below the registry's root: `/v2/…`, or a whole address that the registry gave. */
  readonly path: string | URL;
  readonly headers?: Headers;
  readonly body?: Buffer | (() => Readable);
  readonly scopes: readonly string[];
  readonly follow?: boolean;
  readonly attempts?: number;
  readonly signal?: AbortSignal;
}

export class Host {
  readonly name: string;
  readonly #o: HostOptions;
  #base: Promise<URL> | undefined;
  #auth: Promise<Auth> | undefined;

  /** @param address `HOST[:PORT]`, or a whole URL (a mirror's) */
  constructor(address: string, o: HostOptions) {
    this.name = address.replace(/^https?:\/\//, '').replace(/\/$/, '');
    this.#o = o;
    if (/^https?:\/\//.test(address)) this.#base = Promise.resolve(new URL(address));
  }

  /** The registry's address; finding it out asks for `/v2/`, which also says how to sign in. */
  base(): Promise<URL> {
    return (this.#base ??= this.#find());
  }

  auth(): Promise<Auth> {
    const { http, insecure, signal, credentials } = this.#o;
    return (this.#auth ??= credentials().then((found) => new Auth({ http, insecure, signal, credentials: found })));
  }

  /** One exchange, signed as the registry asks. The answer may have any status. */
  async send(x: Exchange): Promise<HttpResponse> {
    const url = x.path instanceof URL ? x.path : new URL(x.path, await this.base());
    const auth = await this.auth();
    // Only the registry itself is signed to: an upload may be sent on to another host. For the same reason only the registry
    // itself says where credentials are sent for a token, and not a host that it redirects to.
    const { origin } = await this.base();
    const own = url.origin === origin;
    for (let attempt = 1; ; attempt++) {
      const authorization = own ? await auth.header(x.scopes) : undefined;
      const response = await this.#o.http.send({
        method: x.method,
        url,
        headers: { ...x.headers, ...(authorization !== undefined && { authorization }) },
        signal: x.signal ?? this.#o.signal,
        insecure: this.#o.insecure,
        ...(x.body !== undefined && { body: x.body }),
        ...(x.follow !== undefined && { follow: x.follow }),
        ...(x.attempts !== undefined && { attempts: x.attempts }),
      });
      if (response.status !== 401 || !own || response.url.origin !== origin || attempt >= 3 || typeof x.body === 'function')
        return response;
      if (!(await auth.challenged(response, x.scopes))) return response;
      await drop(response);
    }
  }

  /** The same, for what must succeed: throws for any status but `expected`. `what` is said in the error. */
  async expect(what: string, expected: readonly number[], x: Exchange): Promise<HttpResponse> {
    const response = await this.send(x);
    if (expected.includes(response.status)) return response;
    const body = x.method === 'HEAD' ? Buffer.alloc(0) : await readSmall(response).catch(() => Buffer.alloc(0));
    if (x.method === 'HEAD') await drop(response);
    throw statusError(response.status, body, what, new URL(await this.base()));
  }

  /** Asks who is there, and makes sure that the credentials are good: `login`. */
  async ping(): Promise<void> {
    await drop(await this.expect(`sign in to ${this.name}`, [200], { method: 'GET', path: '/v2/', scopes: [] }));
  }

  /** All repositories, where the registry tells. */
  catalogue(): Promise<string[]> {
    return pages(
      this,
      `list the repositories of ${this.name}`,
      '/v2/_catalog?n=1000',
      ['registry:catalog:*'],
      (page) => page['repositories'],
    );
  }

  async #find(): Promise<URL> {
    const host = this.name === HUB ? HUB_HOST : this.name;
    const local = isLoopback(host);
    const { http, signal, insecure, probe = '/v2/' } = this.#o;
    const secure = new URL(`https://${host}`);
    const plain = new URL(`http://${host}`);
    const asks = (base: URL, attempts: number): Promise<HttpResponse> =>
      http.send({ method: 'GET', url: new URL(probe, base), signal, insecure, attempts });
    // On this machine plain HTTP is usual, and loading what TLS needs takes longer than asking; elsewhere TLS goes first.
    const [first, second] = local ? [plain, secure] : [secure, plain];
    let base = first;
    let response: HttpResponse;
    try {
      response = await asks(first, local || insecure ? 1 : 3);
    } catch (e) {
      if (!insecure && !local) throw e;
      base = second;
      response = await asks(second, 3).catch(() => {
        throw e;
      });
    }
    if (local && response.status === 400) {
      // What a server says that was spoken to without TLS and wants it.
      await drop(response);
      base = second;
      response = await asks(second, 3);
    }
    if (response.status === 401) {
      const auth = await this.auth();
      await auth.challenged(response, []);
    }
    await drop(response);
    if (response.status === 404 && probe === '/v2/')
      throw new SlipwayError('unavailable', 'registry.no-registry', `${host} is no registry: it knows no /v2/`);
    return base;
  }
}
