// Arguments that need no ARG: those of proxies.

/** Arguments that need no declaration: those of proxies. */
export const PREDEFINED_ARGS: ReadonlySet<string> = new Set(
  ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'].flatMap((name) => [name, name.toLowerCase()]),
);
