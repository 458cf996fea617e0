// Docker's JSON for what the engine knows: the shapes of its API, which `inspect`, `info` and `events` print as well.
export { containerAnswer, containerJson, containerMounts, endpointsJson } from './containers.ts';
export { eventJson, nanosecondsOf } from './events.ts';
export { historyOf, imageJson, shownConfig } from './images.ts';
export { infoOf, type ProgramFacts } from './info.ts';
export { isPredefined, type ListedNetwork, matchingNetworks, NETWORK_FILTERS, networkJson, networkNamed, networks } from './networks.ts';
export { matchingVolumes, VOLUME_FILTERS, volumeJson } from './volumes.ts';
