// Networks of containers and build steps: bridges, addresses, published ports, and the files that tell a container of them.
export type * from './types.ts';
export { connectedAlready, NetworkManager } from './manager.ts';
export type { CreateNetwork } from './networks.ts';
export { BuildNetworks } from './build-networks.ts';
export { mergeExposed, parseExposed, parsePortSpec, publishAll } from './port-spec.ts';
export { hostResolvConf, hostsFile, resolvConf } from './name-files.ts';
export type { HostsOptions, ResolvOptions } from './name-files.ts';
