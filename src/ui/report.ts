// What the page of one build shows: the build, the one before, those of the same Dockerfile, and what fills its image.
import { buildHistory, type Engine, imageMap, type ImageMap } from '../engine/index.ts';
import { isSlipwayError } from '../model/index.ts';
import { pageData } from './page-data.ts';
import type { PageData } from './page/data.ts';

export interface ReportOptions {
  readonly now: number;
  readonly signal: AbortSignal;
  /** Another build than the one of the Dockerfile before; `none` for none. */
  readonly compare?: string | undefined;
  /** An image to be seen beside the one that was built. */
  readonly beside?: string | undefined;
  /** To go without what fills the image, which may be much to read. */
  readonly withoutImage?: boolean;
}

/** Builds of the past that the page shows. */
const MOST_PAST = 50;

/** @throws SlipwayError `build.no-record`, `image.not-found` */
export async function reportData(engine: Engine, ref: string, o: ReportOptions): Promise<PageData> {
  const { compare, beside } = o;
  const history = await buildHistory(engine, o.now);
  const build = history.find(ref);
  const { record } = build;
  const past = history.list().filter(({ record: r }) => r.identity === record.identity && r.target === record.target);
  const earlier = past.find(({ record: r }) => r.startedAt < record.startedAt && r.status !== 'running');
  const before = compare === 'none' ? undefined : compare === undefined ? earlier : history.find(compare);
  const [id] = o.withoutImage === true ? [] : record.images;
  const image = id === undefined ? undefined : await mapOf(engine, id, record.tags[0] ?? id.slice(7, 19), o.signal);
  const otherImage = beside === undefined ? undefined : await imageMap(engine, beside, { signal: o.signal });
  return pageData({ build, log: history.log(record.ref), before, past: past.slice(0, MOST_PAST), image, otherImage });
}

/** Undefined when the image is not here any more. */
async function mapOf(engine: Engine, id: string, name: string, signal: AbortSignal): Promise<ImageMap | undefined> {
  try {
    return { ...(await imageMap(engine, id, { signal })), name };
  } catch (e) {
    if (isSlipwayError(e) && e.code === 'image.not-found') return undefined;
    throw e;
  }
}
