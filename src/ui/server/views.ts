// What the store holds, as the page shows it.
import {
  buildHistory,
  commandText,
  type Container,
  type Engine,
  imageMap,
  isAlive,
  portsText,
  stateText,
  statusText,
} from '../../engine/index.ts';
import { familiarReference, isSlipwayError, parseReference, SlipwayError } from '../../model/index.ts';
import { pageImage } from '../page-data.ts';
import type { PageBuild } from '../page/data.ts';
import type { ContainerAction, PageContainer, PageImageName, PageListed, PageView } from '../page/views.ts';
import { reportData } from '../report.ts';
import { wordsOf } from './path.ts';
import type { Served } from './served.ts';

/** @throws SlipwayError `ui.no-such-page` and as what it reads */
export async function viewOf(served: Served, path: string, signal: AbortSignal): Promise<PageView> {
  const { engine, base } = served;
  const [kind = '', ...words] = wordsOf(path);
  const rest = words.join('/');
  if ((kind === '' || kind === 'builds') && rest === '') return { base, view: 'builds', builds: await listedBuilds(served) };
  if (kind === 'builds') return { base, view: 'build', data: await buildData(served, rest, signal) };
  if (kind === 'images' && rest === '') return { base, view: 'images', images: await imageNames(engine) };
  if (kind === 'images') return { base, view: 'image', image: pageImage(await imageMap(engine, rest, { signal })) };
  if (kind === 'containers' && rest === '') return { base, view: 'containers', containers: await containersOf(served) };
  throw new SlipwayError('not-found', 'ui.no-such-page', `there is no page ${path}`);
}

async function listedBuilds({ engine, now }: Served): Promise<PageListed[]> {
  return (await buildHistory(engine, now())).list().map(({ record: r, summary: { wallMs, ran, cached } }) => ({
    ref: r.ref,
    name: r.name,
    tags: r.tags,
    status: r.status,
    startedAt: r.startedAt,
    ms: wallMs,
    ran,
    cached,
  }));
}

/** One that is expected begins in a moment. */
export async function buildData({ engine, now, first }: Served, ref: string, signal: AbortSignal) {
  try {
    return await reportData(engine, ref, { now: now(), signal, withoutImage: true });
  } catch (e) {
    if (ref !== first || !isSlipwayError(e) || e.code !== 'build.no-record') throw e;
    return { build: { ...BEGINNING, ref, startedAt: now() }, past: [] };
  }
}

const BEGINNING: Omit<PageBuild, 'ref' | 'startedAt'> = {
  name: 'build',
  engine: 'graph',
  status: 'running',
  ms: 0,
  ran: 0,
  cached: 0,
  savedByCacheMs: 0,
  savedByParallelMs: 0,
  tags: [],
  images: [],
  skipped: [],
  steps: [],
  log: '',
};

async function imageNames(engine: Engine): Promise<PageImageName[]> {
  const used = Map.groupBy((await engine.containers()).records.all(), (c) => c.imageId);
  return engine.images.list({}).flatMap(({ id, names, createdAt, size }) =>
    (names.length === 0 ? [''] : names.map((n) => familiarReference(parseReference(n)))).map((name) => ({
      id,
      name,
      createdAt,
      size,
      containers: used.get(id)?.length ?? 0,
    })),
  );
}

async function containersOf({ engine, now, warn }: Served): Promise<PageContainer[]> {
  const containers = await engine.containers();
  for (const warning of await containers.reconcile()) warn(warning);
  return containers.records.all().map((c) => ({
    id: c.id,
    name: c.name,
    image: engine.images.find(c.imageName)?.id === c.imageId ? c.imageName : c.imageId.slice(7, 19),
    command: commandText(c),
    state: stateText(c),
    status: statusText(c, now()),
    ports: portsText(c),
    actions: actionsOf(c),
  }));
}

function actionsOf(c: Container): ContainerAction[] {
  if (stateText(c) === 'paused') return ['unpause', 'kill'];
  if (isAlive(c) || c.state.status === 'restarting') return ['stop', 'restart', 'pause', 'kill'];
  return ['start', 'remove'];
}
