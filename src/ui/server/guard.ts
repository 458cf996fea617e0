// Who may ask: whoever knows the token, from the page itself. Other pages in the same browser reach a server on loopback too, and a name of
// theirs may lead to it (DNS rebinding): so Host and Origin count, and nothing is answered to others. The token is a part of the path, for
// a cookie would go to every other server on this address too: cookies know no ports (RFC 6265, 8.5).
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export interface Refusal {
  readonly status: number;
  readonly message: string;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The path below the token, without a slash at its beginning; else why nothing is answered. */
export function admit(url: string, headers: IncomingHttpHeaders, o: { readonly port: number; readonly token: string }): string | Refusal {
  const hosts = [`127.0.0.1:${o.port}`, `localhost:${o.port}`];
  if (!hosts.includes(headers.host ?? '')) return { status: 421, message: 'this server answers for its own address alone' };
  const { origin } = headers;
  if (origin !== undefined && origin !== `http://${headers.host}`) return { status: 403, message: 'requests of other pages are refused' };
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    return { status: 403, message: 'requests of other pages are refused' };
  const [, token = '', path = ''] = /^\/([^/?]*)(.*)$/s.exec(url) ?? [];
  if (!timingSafeEqual(digest(token), digest(o.token))) return { status: 403, message: 'the address has a token, which slipway ui prints' };
  return path.replace(/^\//, '');
}
