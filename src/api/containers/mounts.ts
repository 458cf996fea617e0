// `HostConfig.Mounts`: from Docker's JSON to volumes and memory of a request, refused in the words of its daemon.
import { isAbsolute, normalize } from 'node:path';
import type { VolumeRequest } from '../../engine/index.ts';
import { SlipwayError } from '../../model/index.ts';
import type { Fields } from '../http/fields.ts';

export type Mount = { readonly volume: VolumeRequest } | { readonly tmpfs: string };

const PROPAGATIONS = new Set(['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave']);

/** @throws SlipwayError invalid-argument `api.mount` */
export function mountOf(m: Fields): Mount {
  const type = m.word('Type') ?? '';
  const refuse = (why: string): SlipwayError =>
    new SlipwayError('invalid-argument', 'api.mount', `invalid mount config for type ${JSON.stringify(type)}: ${why}`);
  const source = m.text('Source') ?? '';
  const destination = m.text('Target') ?? '';
  const readonly = m.flag('ReadOnly') === true;
  if (!['bind', 'volume', 'tmpfs'].includes(type))
    throw refuse(type === 'image' ? 'mounts of images are not supported' : 'mount type unknown');
  if (destination === '') throw refuse('field Target must not be empty');
  if (!isAbsolute(destination)) throw refuse(`invalid mount path: '${destination}' mount path must be absolute`);
  if (normalize(`${destination}/`) === '/') throw refuse("invalid specification: destination can't be '/'");
  for (const [kind, name] of [
    ['bind', 'BindOptions'],
    ['volume', 'VolumeOptions'],
    ['tmpfs', 'TmpfsOptions'],
  ] as const)
    if (kind !== type && m.object(name) !== undefined) throw refuse(`field ${name} must not be specified`);
  if (type === 'tmpfs') {
    if (source !== '') throw refuse('field Source must not be specified');
    return { tmpfs: [destination, tmpfsOptions(m.object('TmpfsOptions'), readonly, refuse).join(',')].filter(Boolean).join(':') };
  }
  return {
    volume: {
      ...(type === 'bind' ? bind(m, { source, destination, readonly }, refuse) : volume(m, { source, destination, readonly }, refuse)),
      byMount: true,
    },
  };
}

type Refuse = (why: string) => SlipwayError;
type Place = { readonly source: string; readonly destination: string; readonly readonly: boolean };

function bind(m: Fields, { source, ...place }: Place, refuse: Refuse): VolumeRequest {
  if (source === '') throw refuse('field Source must not be empty');
  if (!isAbsolute(source)) throw refuse(`invalid mount path: '${source}' mount path must be absolute`);
  const o = m.object('BindOptions');
  const propagation = o?.word('Propagation');
  if (propagation !== undefined && !PROPAGATIONS.has(propagation)) throw refuse(`invalid propagation mode: ${propagation}`);
  return {
    source: normalize(source),
    ...place,
    ...(o?.flag('CreateMountpoint') !== true && { mustExist: true }),
    ...(propagation !== undefined && { propagation }),
    ...(o?.flag('NonRecursive') === true && { recursion: 'none' as const }),
    ...(o?.flag('ReadOnlyForceRecursive') === true && { recursion: 'readonly' as const }),
  };
}

function volume(m: Fields, { source, ...place }: Place, refuse: Refuse): VolumeRequest {
  const o = m.object('VolumeOptions');
  const driver = o?.object('DriverConfig');
  const name = driver?.word('Name') ?? 'local';
  if (name !== 'local') throw refuse(`plugin ${JSON.stringify(name)} not found`);
  if (o?.word('Subpath') !== undefined) throw refuse('Subpath is not supported: volumes are mounted whole');
  if (source.includes('/')) throw refuse(`${JSON.stringify(source)} includes invalid characters for a local volume name`);
  const labels = o?.pairs('Labels') ?? {};
  const options = driver?.pairs('Options') ?? {};
  return {
    ...place,
    ...(source !== '' && { source }),
    ...(o?.flag('NoCopy') === true && { noCopy: true }),
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(Object.keys(options).length > 0 && { options }),
  };
}

function tmpfsOptions(o: Fields | undefined, readonly: boolean, refuse: Refuse): string[] {
  const size = o?.amount('SizeBytes');
  const mode = o?.amount('Mode');
  if (size !== undefined && size < 0) throw refuse('invalid size');
  return [
    ...(readonly ? ['ro'] : []),
    ...(size === undefined ? [] : [`size=${size}`]),
    ...(mode === undefined ? [] : [`mode=${mode.toString(8)}`]),
  ];
}
