// All registries as they are set up: which hosts to ask for a name, and what to sign in with. One for each command.
import { type ErrorKind, familiarReference, isSlipwayError, type Reference } from '../model/index.ts';
import { credentialKey, Host, HUB } from './host.ts';
import { Http } from './http.ts';
import { Repository } from './repository.ts';
import type { CredentialSource, Credentials, RegistrySettings } from './types.ts';

const HUB_INDEX = 'https://index.docker.io';

/** Kinds of failures that another registry may not have. */
const OF_REGISTRY: ReadonlySet<ErrorKind> = new Set([
  'not-found',
  'unavailable',
  'permission-denied',
  'data-loss',
  'unsupported',
  'invalid-argument',
]);

export class Registries {
  readonly #settings: RegistrySettings;
  readonly #credentials: CredentialSource;
  readonly #signal: AbortSignal;
  readonly #http: Http;
  readonly #hosts = new Map<string, Host>();

  constructor(settings: RegistrySettings, credentials: CredentialSource, signal: AbortSignal) {
    this.#settings = settings;
    this.#credentials = credentials;
    this.#signal = signal;
    this.#http = new Http(settings);
  }

  /** A registry by its host's name. `credentials` go before those that are kept. */
  host(domain: string, credentials?: Credentials): Host {
    const known = credentials === undefined ? this.#hosts.get(domain) : undefined;
    if (known !== undefined) return known;
    const host = this.#open(domain, domain, credentials);
    if (credentials === undefined) this.#hosts.set(domain, host);
    return host;
  }

  /** The repository of a name, at its own registry. */
  repository(ref: Reference, access: 'pull' | 'pull,push' | 'pull,push,delete', also: readonly string[] = []): Repository {
    return new Repository(this.host(ref.domain), ref.path, access, this.#signal, also);
  }

  /**
   * Reads from the first place that has it: the mirrors of the registry, then the registry itself; or from `first`, which was
   * such a place before, and those after it. A mirror that fails is passed over; `onSkip` gets the reason.
   */
  async reading<T>(
    ref: Reference,
    work: (repository: Repository) => Promise<T>,
    onSkip: (message: string) => void = () => {},
    first?: Repository,
  ): Promise<T> {
    const mirrors = (this.#settings.hosts[ref.domain]?.mirrors ?? []).map((address) => this.#mirror(address));
    const begin = first === undefined ? 0 : mirrors.indexOf(first.host);
    for (const host of begin < 0 ? [] : mirrors.slice(begin)) {
      try {
        return await work(new Repository(host, ref.path, 'pull', this.#signal));
      } catch (e) {
        this.#signal.throwIfAborted();
        // What fails on this machine fails with every other registry as well.
        if (!isSlipwayError(e) || !OF_REGISTRY.has(e.kind)) throw e;
        onSkip(`the mirror ${host.name} does not give ${familiarReference(ref)}: ${e.message}`);
      }
    }
    return work(this.repository(ref, 'pull'));
  }

  /** Where a registry is searched: by its older API, which Docker Hub has at another address. */
  searchable(domain: string): Host {
    return domain === HUB ? this.#open(HUB_INDEX, HUB) : this.#open(domain, domain, undefined, '/v1/_ping');
  }

  close(): void {
    this.#http.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #mirror(address: string): Host {
    let host = this.#hosts.get(address);
    if (host === undefined)
      this.#hosts.set(address, (host = this.#open(address, address.replace(/^https?:\/\//, '').replace(/\/.*$/, ''))));
    return host;
  }

  #open(address: string, domain: string, credentials?: Credentials, probe?: string): Host {
    return new Host(address, {
      http: this.#http,
      credentials: async () => credentials ?? this.#credentials.get(credentialKey(domain)),
      insecure: this.#settings.hosts[domain]?.insecure === true,
      signal: this.#signal,
      ...(probe !== undefined && { probe }),
    });
  }
}
