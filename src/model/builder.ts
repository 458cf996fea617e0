// A builder elsewhere, as data: where it listens, and the files by which both sides know each other.

export interface BuilderEndpoint {
  /** `unix:///path`, `tcp://host:port`, `ssh://user@host` or `dns://host:port`. */
  readonly address: string;
  readonly tls?: BuilderTls;
}

/** Paths of files in PEM. */
export interface BuilderTls {
  /** Of those who signed the builder's certificate; the usual ones when left out. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** What the certificate of the builder is for; the host of the address when left out. */
  readonly serverName?: string;
}
