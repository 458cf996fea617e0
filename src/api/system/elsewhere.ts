// Routes of swarms and of plug-ins: answered as an engine does that is no node of a swarm, and has no plug-ins.
import { SlipwayError } from '../../model/index.ts';
import type { Handler } from '../http/call.ts';
import { get, post, remove, type Route } from '../http/routes.ts';

const refuse = (message: string): Handler => {
  return () => Promise.reject(new SlipwayError('unavailable', 'api.no-swarm', message));
};

const NO_MANAGER = refuse(
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
);
const NEVER: Handler = () => Promise.reject(new SlipwayError('unsupported', 'api.swarm', 'slipway runs on one machine and joins no swarm'));

const SWARM: Route[] = [
  post('/swarm/init', NEVER),
  post('/swarm/join', NEVER),
  post('/swarm/leave', refuse('This node is not part of a swarm')),
  ...['/swarm', '/swarm/unlockkey', '/nodes', '/services', '/tasks', '/secrets', '/configs'].map((path) => get(path, NO_MANAGER)),
  ...['/swarm/update', '/swarm/unlock', '/services/create', '/secrets/create', '/configs/create'].map((path) => post(path, NO_MANAGER)),
  ...['nodes', 'services', 'tasks', 'secrets', 'configs'].flatMap((kind) => [
    get(`/${kind}/{id}`, NO_MANAGER),
    get(`/${kind}/{id}/logs`, NO_MANAGER),
    post(`/${kind}/{id}/update`, NO_MANAGER),
    remove(`/${kind}/{id}`, NO_MANAGER),
  ]),
];

const noPlugin: Handler = (call) =>
  Promise.reject(new SlipwayError('not-found', 'api.no-plugin', `plugin ${JSON.stringify(call.param('name'))} not found`));
const noPlugins: Handler = () => Promise.reject(new SlipwayError('unsupported', 'api.plugins', 'slipway has no plug-ins'));

const PLUGINS: Route[] = [
  get('/plugins', async ({ reply }) => reply.json([])),
  get('/plugins/privileges', noPlugins),
  ...['/plugins/pull', '/plugins/create'].map((path) => post(path, noPlugins)),
  get('/plugins/{name...}/json', noPlugin),
  ...['enable', 'disable', 'push', 'upgrade', 'set'].map((verb) => post(`/plugins/{name...}/${verb}`, noPlugin)),
  remove('/plugins/{name...}', noPlugin),
];

export const ELSEWHERE_ROUTES: readonly Route[] = [...SWARM, ...PLUGINS];
