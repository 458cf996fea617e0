// Errors of registries: what the server said in its own words (distribution-spec, "Error Codes"), and never a secret.
import { isIPv6 } from 'node:net';
import { type ErrorKind, SlipwayError } from '../model/index.ts';
import { kindOfStatus } from '../remote/index.ts';

interface ServerError {
  readonly code: string;
  readonly message: string;
}

/** The errors in a registry's answer, as far as it is one. */
export function parseServerErrors(body: Buffer): ServerError[] {
  try {
    const { errors } = JSON.parse(body.toString('utf8')) as { errors?: { code?: unknown; message?: unknown }[] };
    if (!Array.isArray(errors)) return [];
    return errors.slice(0, 5).map((e) => ({ code: clean(String(e?.code ?? '')).slice(0, 60), message: clean(String(e?.message ?? '')) }));
  } catch {
    return [];
  }
}

/** On one line, without control characters, and no longer than a line. */
const clean = (text: string): string => text.replace(/\p{Cc}+/gu, ' ').slice(0, 300);

/** An answer that is no success. `what` says what was asked for: `pull debian:12`. */
export function statusError(status: number, body: Buffer, what: string, url: URL): SlipwayError {
  const errors = parseServerErrors(body);
  const said = errors.map((e) => `${e.code.toLowerCase().replaceAll('_', ' ')}: ${e.message}`).join('; ');
  const kind = kindOf(status);
  const code = errors[0]?.code.toLowerCase().replaceAll('_', '-') || `status-${status}`;
  const message = `${what}: ${said || `unexpected status ${status}`} (${status} from ${url.host})`;
  return new SlipwayError(kind, `registry.${code}`, message, { hints: hintsOf(status, url) });
}

function kindOf(status: number): ErrorKind {
  if (status === 409) return 'conflict';
  return status === 405 || status === 415 ? 'unsupported' : kindOfStatus(status);
}

function hintsOf(status: number, url: URL): string[] {
  if (status === 401) return [`sign in: slipway login ${url.host}`];
  if (status === 403) return ['the account that is signed in may not do this'];
  if (status === 429) return ['the registry limits how often it is asked: wait, or sign in'];
  return [];
}

const DIALLING: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ETIMEDOUT: 'i/o timeout',
};

/** In the words of the programs that people know. */
function whyIn(e: NodeJS.ErrnoException & { readonly address?: string; readonly port?: number }): string | undefined {
  const why = DIALLING[e.code ?? ''];
  return why === undefined || e.address === undefined
    ? undefined
    : `dial tcp ${isIPv6(e.address) ? `[${e.address}]` : e.address}:${e.port}: connect: ${why}`;
}

/** The registry could not be asked at all. */
export function unreachable(url: URL, cause: unknown): SlipwayError {
  const e = cause as NodeJS.ErrnoException & { reason?: string };
  const code = e.code ?? '';
  const hints: string[] = [];
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/.test(code))
    hints.push(`put the authority's certificate into /etc/docker/certs.d/${url.host}/ca.crt, or set the registry as insecure`);
  else if (code === 'ECONNREFUSED') hints.push(`nothing listens at ${url.host}: is the registry running?`);
  else if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    hints.push('check the name, and that this machine reaches it (a proxy is named by HTTPS_PROXY)');
  return new SlipwayError(
    'unavailable',
    'registry.unreachable',
    `Get "${url.protocol}//${url.host}/v2/": ${whyIn(e) ?? (e.message || code || String(cause))}`,
    { cause, hints },
  );
}
