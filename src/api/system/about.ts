// What clients ask first: whether somebody answers, which version, and what the machine is.
import { release } from 'node:os';
import { infoOf } from '../../docker/index.ts';
import { machineFacts } from '../../engine/index.ts';
import type { Call } from '../http/call.ts';
import { get, head, type Route } from '../http/routes.ts';
import { API_VERSION, MINIMUM_VERSION } from '../http/versions.ts';
import { events } from './happenings.ts';
import { usage } from './usage.ts';

const ARCHITECTURE = process.arch === 'x64' ? 'amd64' : process.arch;

/** @param builder the version of the builder that clients are to use: 2 is BuildKit's */
export const aboutRoutes = (builder: '1' | '2'): Route[] => {
  const ping = async ({ reply }: Call): Promise<void> => {
    reply.header('Builder-Version', builder);
    reply.header('Cache-Control', 'no-cache, no-store, must-revalidate');
    reply.header('Pragma', 'no-cache');
    reply.header('Swarm', 'inactive');
    reply.text('OK');
  };
  return [
    get('/_ping', ping),
    head('/_ping', ping),
    get('/version', version),
    get('/info', info),
    get('/events', events),
    get('/system/df', usage),
  ];
};

async function version({ api, reply }: Call): Promise<void> {
  const { name } = await api.engine.runtime();
  const facts = {
    ApiVersion: API_VERSION,
    MinAPIVersion: MINIMUM_VERSION,
    GitCommit: '',
    GoVersion: '', // it is not written in Go
    Os: 'linux',
    Arch: ARCHITECTURE,
    KernelVersion: release(),
    BuildTime: '',
  };
  reply.json({
    Platform: { Name: 'Slipway' },
    Components: [
      { Name: 'Engine', Version: api.program.version, Details: { ...facts, Experimental: 'false' } },
      { Name: 'node', Version: process.versions.node, Details: { GitCommit: '' } },
      { Name: name, Version: '', Details: { GitCommit: '' } },
    ],
    Version: api.program.version,
    ...facts,
  });
}

/** What only a daemon has, and clients look for. */
const OF_A_DAEMON = {
  KernelMemoryTCP: false,
  NFd: 0,
  OomKillDisable: false,
  NGoroutines: 0,
  NEventsListener: 0,
  OSVersion: '',
  GenericResources: null,
  Isolation: '',
  InitBinary: '',
  ContainerdCommit: { ID: '' },
  RuncCommit: { ID: '' },
  InitCommit: { ID: '' },
  FirewallBackend: { Driver: 'iptables' },
  CDISpecDirs: [],
};

async function info({ api, reply }: Call): Promise<void> {
  reply.json({ ...infoOf(await machineFacts(api.engine), api.program, api.now()), ...OF_A_DAEMON });
}
