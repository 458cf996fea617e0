// The files of a container: archives of them in and out, and what it has changed. A process of its own mounts them.
import { copying } from '../../engine/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { openContainers } from '../api.ts';
import type { Call } from '../http/call.ts';
import { work } from '../work.ts';

const TAR = 'application/x-tar';

/** dockerd's header: what stands at a path, as JSON in base64. */
async function statHeader({ api, query, params }: Call): Promise<{ readonly id: string; readonly path: string; readonly stat: string }> {
  const path = query.text('path');
  if (path === undefined) throw new SlipwayError('invalid-argument', 'api.query', 'missing parameter: path');
  const containers = await openContainers(api);
  const c = containers.records.resolve(params['id'] ?? '');
  const s = await copying.pathStat(containers, c, path);
  const json = { name: s.name, size: s.size, mode: s.mode, mtime: new Date(s.mtimeMs).toISOString(), linkTarget: s.linkTarget };
  return { id: c.id, path, stat: Buffer.from(JSON.stringify(json)).toString('base64') };
}

export async function archiveHead(call: Call): Promise<void> {
  const { stat } = await statHeader(call);
  call.reply.header('X-Docker-Container-Path-Stat', stat);
  call.reply.empty(200);
}

export async function archiveGet(call: Call): Promise<void> {
  const { id, path, stat } = await statHeader(call);
  call.reply.header('X-Docker-Container-Path-Stat', stat);
  await work(call.api, { kind: 'copy-out', container: id, path }, { signal: call.signal, output: call.reply.stream(TAR) });
}

export async function archivePut(call: Call): Promise<void> {
  const { api, query, request, signal } = call;
  const path = query.text('path');
  if (path === undefined) throw new SlipwayError('invalid-argument', 'api.query', 'missing parameter: path');
  const containers = await openContainers(api);
  const c = containers.records.resolve(call.param('id'));
  const ownedByUser = query.flag('copyUIDGID');
  await work(api, { kind: 'copy-in', container: c.id, path, ownedByUser }, { signal, input: request });
  call.reply.empty(200);
}

export async function exportFiles(call: Call): Promise<void> {
  const containers = await openContainers(call.api);
  const c = containers.records.resolve(call.param('id'));
  await work(call.api, { kind: 'export', container: c.id }, { signal: call.signal, output: call.reply.stream(TAR) });
}

const KINDS = { changed: 0, added: 1, deleted: 2 } as const;

export async function changes(call: Call): Promise<void> {
  const containers = await openContainers(call.api);
  const c = containers.records.resolve(call.param('id'));
  const found = await work(call.api, { kind: 'changes', container: c.id }, { signal: call.signal });
  call.reply.json(found.length === 0 ? null : found.map(({ kind, path }) => ({ Path: path, Kind: KINDS[kind] })));
}
