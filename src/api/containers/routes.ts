// The routes of containers and of programs that are executed in them.
import { processTable } from '../../engine/index.ts';
import { containerAnswer } from '../../docker/index.ts';
import { openContainers } from '../api.ts';
import type { Call } from '../http/call.ts';
import { get, head, post, put, remove, type Route } from '../http/routes.ts';
import { attach, attachWebSocket, logs, resize } from './attach.ts';
import { createExec, inspectExec, resizeExec, startExec } from './execs.ts';
import { archiveGet, archiveHead, archivePut, changes, exportFiles } from './files.ts';
import * as life from './life.ts';
import { list } from './list.ts';
import { stats } from './stats.ts';
import { wait } from './wait.ts';

export const CONTAINER_ROUTES: readonly Route[] = [
  get('/containers/json', list),
  post('/containers/create', life.create),
  post('/containers/prune', life.prune),
  get('/containers/{id}/json', inspect),
  get('/containers/{id}/top', top),
  get('/containers/{id}/logs', logs),
  get('/containers/{id}/stats', stats),
  get('/containers/{id}/changes', changes),
  get('/containers/{id}/export', exportFiles),
  head('/containers/{id}/archive', archiveHead),
  get('/containers/{id}/archive', archiveGet),
  put('/containers/{id}/archive', archivePut),
  post('/containers/{id}/attach', attach, ['tcp']),
  get('/containers/{id}/attach/ws', attachWebSocket, ['websocket']),
  post('/containers/{id}/resize', resize),
  post('/containers/{id}/start', life.start),
  post('/containers/{id}/stop', life.stop),
  post('/containers/{id}/restart', life.restart),
  post('/containers/{id}/kill', life.kill),
  post('/containers/{id}/pause', life.pause),
  post('/containers/{id}/unpause', life.unpause),
  post('/containers/{id}/rename', life.rename),
  post('/containers/{id}/update', life.update),
  post('/containers/{id}/wait', wait),
  remove('/containers/{id}', life.remove),
  post('/containers/{id}/exec', createExec),
  post('/exec/{id}/start', startExec, ['tcp']),
  post('/exec/{id}/resize', resizeExec),
  get('/exec/{id}/json', inspectExec),
];

async function inspect(call: Call): Promise<void> {
  const containers = await openContainers(call.api);
  const c = containers.records.resolve(call.param('id'));
  const execs = call.api.execs.of(c.id);
  const json = await containerAnswer(call.api.engine, c, { size: call.query.flag('size') });
  call.reply.json({ ...json, ExecIDs: execs.length === 0 ? null : execs });
}

async function top(call: Call): Promise<void> {
  const containers = await openContainers(call.api);
  const args = (call.query.text('ps_args') ?? '-ef').split(/\s+/).filter(Boolean);
  const [Titles, ...Processes] = await processTable(containers, containers.records.resolve(call.param('id')), args);
  call.reply.json({ Processes, Titles });
}
