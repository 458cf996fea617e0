// `--mount`: comma-separated pairs to a bind, a volume or a tmpfs, refused in Docker's words.
import { isAbsolute, normalize } from 'node:path';
import type { VolumeRequest } from '../engine/index.ts';
import { parseBytes } from '../util/index.ts';
import { invalidValue } from './args.ts';
import { fields } from './build/values.ts';
import { wrongFlag } from './container-values.ts';

export type Mount = { readonly volume: VolumeRequest } | { readonly tmpfs: string };

const TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);
const SWITCHES = new Set(['readonly', 'ro', 'volume-nocopy', 'bind-nonrecursive']);
const RECURSIONS = new Set(['enabled', 'disabled', 'writable', 'readonly']);
const PROPAGATIONS = new Set(['', 'private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave']);

/** @throws SlipwayError invalid-argument, unsupported */
export function parseMount(text: string): Mount {
  const refuse = (why: string): Error => wrongFlag(invalidValue('--mount', text, why));
  if (text === '') throw refuse('EOF');
  const given = new Map<string, string>();
  const labels: Record<string, string> = {};
  const options: Record<string, string> = {};
  for (const field of fields(text)) {
    const [name = '', value] = field.split(/=(.*)/s);
    const key = ALIASES[name.toLowerCase()] ?? name.toLowerCase();
    if (value === undefined && !SWITCHES.has(key)) throw refuse(`invalid field '${field}' must be a key=value pair`);
    if (!KEYS.has(key)) throw refuse(`unexpected key '${key}' in '${field}'`);
    if (SWITCHES.has(key) && value !== undefined && !TRUE.has(value) && !FALSE.has(value))
      throw refuse(`invalid value for ${name}: ${value}`);
    if (key === 'volume-label') labels[value?.split('=')[0] ?? ''] = value?.split(/=(.*)/s)[1] ?? '';
    if (key === 'volume-opt') options[value?.split('=')[0] ?? ''] = value?.split(/=(.*)/s)[1] ?? '';
    given.set(key, value ?? 'true');
  }
  const type = given.get('type')?.toLowerCase() ?? 'volume';
  const config = (why: string): Error => wrongFlag(`invalid mount config for type ${JSON.stringify(type)}: ${why}`);
  for (const kind of ['bind', 'volume', 'tmpfs', 'image'])
    if (kind !== type && [...given.keys()].some((key) => key.startsWith(`${kind}-`)))
      throw refuse(`cannot mix '${kind}-*' options with mount type '${type}'`);
  const source = given.get('source') ?? '';
  const destination = given.get('target') ?? '';
  if (destination === '') throw refuse('target is required');
  const readonly = TRUE.has(given.get('readonly') ?? '');
  const recursion = given.get('bind-recursive') ?? 'enabled';
  if (!RECURSIONS.has(recursion))
    throw refuse(`invalid value for bind-recursive: ${recursion} (must be "enabled", "disabled", "writable", or "readonly")`);
  const propagation = given.get('bind-propagation') ?? '';
  if (recursion === 'readonly' && !readonly)
    throw refuse("option 'bind-recursive=readonly' requires 'readonly' to be specified in conjunction");
  if (recursion === 'readonly' && propagation !== 'rprivate')
    throw refuse("option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in conjunction");
  const memory = type === 'tmpfs' ? tmpfsOptions(given, readonly, refuse) : [];
  if (type === 'image')
    throw wrongFlag('mounts of images are not supported', ['`slipway create IMAGE` and `slipway cp` bring files out of an image']);
  if (!['bind', 'volume', 'tmpfs'].includes(type)) throw config('mount type unknown');
  if (!isAbsolute(destination)) throw config(`invalid mount path: '${destination}' mount path must be absolute`);
  if (normalize(`${destination}/`) === '/') throw config("invalid specification: destination can't be '/'");
  if (type === 'tmpfs') {
    if (source !== '') throw config('field Source must not be specified');
    return { tmpfs: [destination, memory.join(',')].filter(Boolean).join(':') };
  }
  if (type === 'volume') return { volume: { ...volume(given, { source, destination, readonly, labels, options }), byMount: true } };
  if (source === '') throw config('field Source must not be empty');
  if (!isAbsolute(source)) throw config(`invalid mount path: '${source}' mount path must be absolute`);
  if (!PROPAGATIONS.has(propagation)) throw config(`invalid propagation mode: ${propagation}`);
  return {
    volume: {
      source: normalize(source),
      destination,
      readonly,
      mustExist: true,
      byMount: true,
      ...(propagation !== '' && { propagation }),
      ...((recursion === 'disabled' || TRUE.has(given.get('bind-nonrecursive') ?? '')) && { recursion: 'none' as const }),
      ...(recursion === 'readonly' && { recursion: 'readonly' as const }),
    },
  };
}

const ALIASES: Readonly<Record<string, string>> = { src: 'source', dst: 'target', destination: 'target', ro: 'readonly' };
const KEYS = new Set(
  `type source target readonly consistency bind-propagation bind-nonrecursive bind-recursive volume-nocopy volume-label volume-driver
  volume-opt volume-subpath image-subpath tmpfs-size tmpfs-mode`.split(/\s+/),
);

function tmpfsOptions(given: ReadonlyMap<string, string>, readonly: boolean, refuse: (why: string) => Error): string[] {
  const size = given.get('tmpfs-size');
  const bytes = size === undefined ? undefined : parseBytes(size);
  if (size !== undefined && bytes === undefined) throw refuse(`invalid value for tmpfs-size: ${size}`);
  const mode = given.get('tmpfs-mode');
  if (mode !== undefined && !/^[0-7]+$/.test(mode)) throw refuse(`invalid value for tmpfs-mode: ${mode}`);
  return [...(readonly ? ['ro'] : []), ...(bytes === undefined ? [] : [`size=${bytes}`]), ...(mode === undefined ? [] : [`mode=${mode}`])];
}

function volume(
  given: ReadonlyMap<string, string>,
  { source, labels, options, ...v }: Required<Pick<VolumeRequest, 'source' | 'labels' | 'options'>> & VolumeRequest,
): VolumeRequest {
  const driver = given.get('volume-driver') ?? 'local';
  if (driver !== 'local' && driver !== '')
    throw wrongFlag(`error looking up volume plugin ${driver}: plugin ${JSON.stringify(driver)} not found`, ['there is local']);
  if (given.has('volume-subpath')) throw wrongFlag('volume-subpath is not supported', ['volumes are mounted whole']);
  if (source.includes('/'))
    throw wrongFlag(
      `create ${source}: ${JSON.stringify(source)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
      ['a folder of this machine is mounted with type=bind'],
    );
  return {
    ...v,
    ...(source !== '' && { source }),
    ...(TRUE.has(given.get('volume-nocopy') ?? '') && { noCopy: true }),
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(Object.keys(options).length > 0 && { options }),
  };
}
