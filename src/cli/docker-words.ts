// Commands and flags of Docker that Slipway refuses, each with the reason. What Docker has and Slipway neither does nor lists here, the test of
// docs/reference/docker.md finds.

const SWARM = 'slipway runs on one machine and knows no swarm';
const NO_DAEMON = 'there is no daemon to talk to';
const NO_PLUGINS = 'plug-ins are programs that a daemon loads, and there is none';
const NOTARY = 'slipway verifies no signatures of Notary: name an image by its digest to be sure of what it is';

const COMMANDS: readonly (readonly [RegExp, string])[] = [
  [
    /^(?:(?:builder |buildx )?bake|buildx f)$/,
    'slipway reads no bake files: docker buildx bake works with slipway serve, or call slipway build for each target',
  ],
  [/^(?:builder|buildx|system) dial-stdio$/, NO_DAEMON],
  [
    /^build(?:er|x) history (?:export|import|trace)$/,
    'builds on record stay in their store: build --metadata-file and --output take a result elsewhere',
  ],
  [/^build(?:er|x) history inspect attachment$/, 'statements about an image lie beside it: slipway build --output type=oci gives both'],
  [/^build(?:er|x) history open$/, 'slipway builder history inspect shows the build here'],
  [/^compose\b/, 'docker compose is a program of its own, a client of the API that slipway serve offers'],
  [/^context\b/, 'slipway works on this machine alone; SLIPWAY_ROOT chooses the store'],
  [/^plugin\b/, NO_PLUGINS],
  [/^(?:config|node|secret|service|stack|swarm)\b/, SWARM],
  [/^volume update$/, SWARM],
  [/^trust\b/, NOTARY],
  [/^checkpoint\b/, 'containers are not frozen to disk'],
  [/^(?:debug|model|scout)\b/, NO_PLUGINS],
];

/** Why a command of Docker is refused; undefined for other words. */
export const whyNoCommand = (words: string): string | undefined => COMMANDS.find(([pattern]) => pattern.test(words))?.[1];

const STARTS_NONE = 'slipway starts no builders: they run already, and go on';
const V1_ALONE = 'only control groups of version 1 have it, and Docker ignores it elsewhere';
const REAL_TIME = 'it needs a kernel with real-time groups, which no distribution ships';
const ONE_DEVICE = 'single devices are not limited; --blkio-weight weighs all of them';
const NO_LINK_LOCAL = 'an address of a link is given by the kernel';

/** Patterns of commands, and their flags without the dashes. */
const FLAGS: readonly (readonly [RegExp, Readonly<Record<string, string>>])[] = [
  [
    /^(?:container )?(?:run|create)$/,
    {
      annotation: 'crun and runc ignore what Slipway could pass on; --label sets metadata',
      'blkio-weight-device': ONE_DEVICE,
      'cgroup-parent': 'slipway chooses the control group itself, so that any later command finds it and removes it',
      'cpu-rt-period': REAL_TIME,
      'cpu-rt-runtime': REAL_TIME,
      'device-cgroup-rule': 'name the devices with --device',
      'device-read-bps': ONE_DEVICE,
      'device-read-iops': ONE_DEVICE,
      'device-write-bps': ONE_DEVICE,
      'device-write-iops': ONE_DEVICE,
      gpus: 'slipway knows no drivers of graphics processors: name the devices with --device',
      ip6: 'containers have addresses of IPv4',
      isolation: 'only Windows has it',
      'kernel-memory': V1_ALONE,
      link: 'put both containers on a network of their own, where they find each other by name',
      'link-local-ip': NO_LINK_LOCAL,
      'memory-swappiness': V1_ALONE,
      'oom-kill-disable': V1_ALONE,
      runtime: 'slipway takes crun or else runc, whichever this machine can run',
      'storage-opt': 'the files of containers have no limit of size: put the store on a file system of the size you want',
      'use-api-socket': `${NO_DAEMON}: mount the socket of slipway serve with -v`,
      'volume-driver': 'there is one driver of volumes, local',
    },
  ],
  [/^(?:container )?update$/, { 'cpu-rt-period': REAL_TIME, 'cpu-rt-runtime': REAL_TIME }],
  [/^(?:container )?(?:rm|remove)$/, { link: 'there are no links between containers' }],
  [
    /^network connect$/,
    {
      'driver-opt': 'bridges have no options for single containers',
      'gw-priority': 'the first network has the default route',
      ip6: 'containers have addresses of IPv4',
      link: 'containers of a network find each other by name',
      'link-local-ip': NO_LINK_LOCAL,
    },
  ],
  [
    /^network create$/,
    {
      attachable: SWARM,
      'config-from': SWARM,
      'config-only': SWARM,
      ingress: SWARM,
      'ipam-driver': 'slipway gives out addresses itself',
      'ipam-opt': 'slipway gives out addresses itself',
      ipv4: 'every network has addresses of IPv4',
      scope: SWARM,
    },
  ],
  [/^network inspect$/, { verbose: SWARM }],
  [
    /^(?:builder |buildx )?imagetools create$/,
    {
      file: 'name the sources on the command line',
      platform: 'name images of the platforms that the list is to have',
      'prefer-index': 'the result is always a list',
      progress: 'nothing is drawn on the way',
    },
  ],
  [
    /^(?:builder|buildx) create$/,
    {
      'buildkitd-config': STARTS_NONE,
      'buildkitd-flags': STARTS_NONE,
      platform: 'a builder says itself for which platforms it builds',
    },
  ],
  [/^(?:builder|buildx) rm$/, { 'keep-daemon': STARTS_NONE, 'keep-state': STARTS_NONE }],
  [/^(?:builder |buildx )?imagetools inspect$/, { format: 'use --raw, which prints JSON' }],
];

/** Why a flag that Docker's command has is refused; undefined for other flags. */
export function whyNoFlag(path: string, name: string): string | undefined {
  const flags = FLAGS.find(([pattern]) => pattern.test(path))?.[1] ?? {};
  return Object.hasOwn(flags, name) ? flags[name] : undefined;
}
