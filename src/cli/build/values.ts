// The values of `build` flags: `--build-arg`, `--label`, `--secret`, `--output`, `--ulimit` … from text to what a build request
// holds, with errors in Docker's words. They look at nothing but what is handed in.
import { resolve } from 'node:path';
import { SlipwayError } from '../../model/index.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const invalid = (code: string, message: string, hint?: string): SlipwayError =>
  new SlipwayError('invalid-argument', code, message, hint ? { hints: [hint] } : {});

/** Whether a build argument that asks for something of the engine itself is set, in Go's words for true (strconv.ParseBool). */
export const isTrue = (value: string | undefined): boolean => ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value ?? '');

/** `NAME=value`, or `NAME` alone for the environment's value; a name that the environment lacks is left out, as in Docker. */
export function buildArgs(values: readonly string[], env: Environment): Record<string, string> {
  const out = new Map<string, string>();
  for (const v of values) {
    const eq = v.indexOf('=');
    const name = eq < 0 ? v : v.slice(0, eq);
    if (name === '') throw invalid('flag.build-arg', `invalid key-value pair ${JSON.stringify(v)}: empty key`, '--build-arg NAME=value');
    const value = eq >= 0 ? v.slice(eq + 1) : Object.hasOwn(env, name) ? env[name] : undefined;
    if (value !== undefined) out.set(name, value);
  }
  return Object.fromEntries(out);
}

/** `key=value`; `key` alone has an empty value. */
export function labels(values: readonly string[]): Record<string, string> {
  const out: Record<string, string> = {};
  for (const v of values) {
    const eq = v.indexOf('=');
    const key = eq < 0 ? v : v.slice(0, eq);
    if (key === '') throw invalid('flag.label', `invalid key-value pair ${JSON.stringify(v)}: empty key`);
    out[key] = eq < 0 ? '' : v.slice(eq + 1);
  }
  return out;
}

/** One line of comma-separated values, where a field may be quoted (RFC 4180), as flags of Docker have them. */
export function fields(text: string): string[] {
  const out: string[] = [];
  let field = '';
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? '';
    if (quoted) {
      if (c !== '"') field += c;
      else if (text[i + 1] === '"') field += text[++i] ?? '';
      else quoted = false;
    } else if (c === '"' && field === '') quoted = true;
    else if (c === ',') {
      out.push(field);
      field = '';
    } else field += c;
  }
  out.push(field);
  return out;
}

/** `a=b,c=d` as pairs with keys in lower case. */
function pairs(flag: string, text: string): [string, string][] {
  return fields(text).map((f) => {
    const eq = f.indexOf('=');
    if (eq < 0) throw invalid(`flag.${flag}`, `invalid field '${f}' must be a key=value pair`);
    return [f.slice(0, eq).toLowerCase(), f.slice(eq + 1)];
  });
}

export type Secret = { readonly id: string; /** Its content counts for the cache. */ readonly inKey: boolean } & (
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'value'; readonly data: Uint8Array }
);

/** `id=name[,src=path|,env=NAME][,type=file|env][,cache=content]`; without a source, the environment variable of that name, else the file. */
export function secret(text: string, env: Environment): Secret {
  let id = '';
  let file: string | undefined;
  let variable: string | undefined;
  let type = '';
  let inKey = false;
  for (const [key, value] of pairs('secret', text)) {
    if (key === 'id') id = value;
    else if (key === 'src' || key === 'source') file = value;
    else if (key === 'env') variable = value;
    else if (key === 'type' && (value === 'file' || value === 'env')) type = value;
    else if (key === 'cache' && value === 'content') inKey = true;
    else if (key === 'cache')
      throw invalid('flag.secret', `unsupported cache mode "${value}" of a secret`, 'cache=content: another content runs the steps again');
    else if (key === 'type') throw invalid('flag.secret', `unsupported secret type "${value}"`);
    else throw invalid('flag.secret', `unexpected key '${key}' in '${key}=${value}'`);
  }
  if (id === '') throw invalid('flag.secret', 'secret missing ID', '--secret id=NAME,src=FILE');
  if (type === 'env') variable ??= file ?? id;
  const fromEnv = variable ?? (file === undefined && type !== 'file' && env[id] !== undefined ? id : undefined);
  if (fromEnv !== undefined) return { id, inKey, kind: 'value', data: Buffer.from(env[fromEnv] ?? '') };
  return { id, inKey, kind: 'file', path: file ?? id };
}

/** `default`, or `id=SOCKET`, or `id=KEY[,KEY...]`, as an id and paths; `default` alone is the agent of SSH_AUTH_SOCK. */
export function agent(text: string, env: Environment, cwd: string): [string, string[]] {
  const eq = text.indexOf('=');
  const id = eq < 0 ? text : text.slice(0, eq);
  const paths = (eq < 0 ? [env['SSH_AUTH_SOCK'] ?? ''] : text.slice(eq + 1).split(',')).filter((path) => path !== '');
  if (paths.length === 0)
    throw invalid(
      'flag.ssh',
      `invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set`,
      'start one: eval "$(ssh-agent)" && ssh-add',
    );
  return [id === '' ? 'default' : id, paths.map((path) => resolve(cwd, path))];
}

export interface Output {
  readonly type: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** `type=local,dest=path`; a path alone is `local`, and `-` a tar on standard output. */
export function output(text: string): Output {
  const parts = fields(text);
  const only = parts[0] ?? '';
  if (parts.length === 1 && !only.includes('=')) {
    return only === '-' ? { type: 'tar', attributes: { dest: '-' } } : { type: 'local', attributes: { dest: only } };
  }
  const attributes = Object.fromEntries(pairs('output', text));
  const { type = '', ...rest } = attributes;
  if (type === '') throw invalid('flag.output', 'type is required for output', '--output type=local,dest=DIR');
  return { type, attributes: rest };
}

/** `type=registry,ref=NAME`; a name alone is one of a registry. */
export function cachePlace(flag: 'cache-from' | 'cache-to', text: string): { type: string; attributes: Record<string, string> } {
  if (!text.includes('=')) return { type: 'registry', attributes: { ref: text } };
  const { type = '', ...attributes } = Object.fromEntries(pairs(flag, text));
  if (type === '') throw invalid(`flag.${flag}`, `type required form> ${JSON.stringify(text)}`, `--${flag} type=local,…`);
  return { type, attributes };
}

/** `host:ip` or `host=ip`. */
export function addHost(text: string): string {
  const at = text.search(/[:=]/);
  const host = text.slice(0, Math.max(0, at));
  const ip = text.slice(at + 1).replace(/^\[(.*)\]$/, '$1');
  if (at <= 0 || !(ip === 'host-gateway' || /^[\d.]+$/.test(ip) || ip.includes(':'))) {
    throw invalid('flag.add-host', `invalid host ${text}`, '--add-host name:192.0.2.1');
  }
  return `${host}:${ip}`;
}
