// Requests to build, with what a command line without flags would ask for.
import type { BuildRequest, Delivery } from '../../src/engine/index.ts';

/** By the graph engine, from the folder that the caller's session knows as `app`, without a network. */
export const buildRequest = (o: Partial<BuildRequest> = {}): BuildRequest => ({
  engine: 'graph',
  context: { kind: 'folder', name: 'app', written: '.' },
  namedContexts: {},
  keepGitDir: false,
  buildArgs: {},
  labels: {},
  tags: [],
  identity: 'app Dockerfile',
  name: 'app',
  noCache: false,
  noCacheFilter: [],
  pull: false,
  network: 'none',
  addHosts: [],
  ulimits: [],
  secrets: [],
  ssh: [],
  allow: [],
  classic: { rm: true, forceRm: false, cacheFrom: [] },
  ...o,
});

/** Into the store alone. */
export const delivery = (o: Partial<Delivery> = {}): Delivery => ({
  outputs: [],
  platforms: [],
  annotations: [],
  verify: false,
  sbom: false,
  ...o,
});
