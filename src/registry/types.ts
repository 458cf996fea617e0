// The words of registry/: how registries are reached and signed in to. Data only; where it comes from is for adapters to know.

/** What is set for one registry. */
export interface HostSettings {
  /** Asked before the registry itself, in this order: `https://mirror.example` or a host alone. Only pulls use them. */
  readonly mirrors?: readonly string[];
  /** Certificates are not verified, and plain HTTP is tried. */
  readonly insecure?: boolean;
}

export interface RegistrySettings {
  /** By host as it stands in names: `docker.io`, `localhost:5000`. */
  readonly hosts: Readonly<Record<string, HostSettings>>;
  /** Folders with a folder for each host that holds `*.crt` (authorities), and `*.cert` with `*.key` (this client). */
  readonly certificates: readonly string[];
  /** HTTP_PROXY and the like. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface Credentials {
  readonly username?: string;
  readonly password?: string;
  /** A refresh token, in the place of a password. */
  readonly identityToken?: string;
  /** A token that is sent as it is. */
  readonly registryToken?: string;
}

/** Finds what to sign in with; undefined for anonymous. */
export interface CredentialSource {
  get(host: string): Promise<Credentials | undefined>;
}

export const ANONYMOUS: CredentialSource = { get: async () => undefined };
