// What a client signs in to a registry with: `X-Registry-Auth`, JSON in base64 (RFC 4648, section 5). The credentials of whoever runs the
// server are nobody else's.
import type { IncomingMessage } from 'node:http';
import { type SessionCredentials, SlipwayError } from '../../model/index.ts';
import { Fields } from '../http/fields.ts';

export interface CredentialsOf {
  get(host: string): Promise<SessionCredentials | undefined>;
}

/** Those of the registry that the request is about: nothing goes to other hosts. */
export function registryAuth({ headers }: IncomingMessage, domain: string): CredentialsOf {
  const found = credentialsOf(Fields.of(decodedHeader(headers['x-registry-auth'], 'X-Registry-Auth')));
  return { get: async (host) => (sameHost(host, domain) ? found : undefined) };
}

const HUB = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io', 'auth.docker.io']);
const sameHost = (a: string, b: string): boolean => a === b || (HUB.has(a) && HUB.has(b));

/** `https://index.docker.io/v1/` and `docker.io` are Docker Hub. */
export function domainOf(address: string | undefined): string {
  const host = (address ?? '').replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return host === '' || HUB.has(host) ? 'docker.io' : host;
}

/** JSON in base64; an empty object without the header. @throws SlipwayError `api.auth` */
export function decodedHeader(text: string | readonly string[] | undefined, name: string): Record<string, unknown> {
  if (typeof text !== 'string' || text === '') return {};
  try {
    const value = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as unknown;
    Fields.of(value ?? {});
    return (value ?? {}) as Record<string, unknown>;
  } catch (cause) {
    throw new SlipwayError('invalid-argument', 'api.auth', `invalid ${name} header: it is no JSON object in base64`, { cause });
  }
}

export function credentialsOf(f: Fields): SessionCredentials | undefined {
  const [username = f.word('auth') && pair(f).username, password = f.word('auth') && pair(f).password] = [
    f.word('username'),
    f.word('password'),
  ];
  const [identityToken, registryToken] = [f.word('identitytoken'), f.word('registrytoken')];
  const found = {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(identityToken !== undefined && { identityToken }),
    ...(registryToken !== undefined && { registryToken }),
  };
  return Object.keys(found).length === 0 ? undefined : found;
}

/** `auth`: `user:password` in base64. */
function pair(f: Fields): { readonly username?: string; readonly password?: string } {
  const [username, password] = Buffer.from(f.text('auth') ?? '', 'base64')
    .toString('utf8')
    .split(/:(.*)/s);
  return { ...(username !== undefined && { username }), ...(password !== undefined && { password }) };
}
