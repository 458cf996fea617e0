// What people see of a pull: a row for each layer, then the digest and what has changed.
import { pullImage, type Pulled, type PullProgress } from '../engine/index.ts';
import {
  familiarReference,
  formatReference,
  isSlipwayError,
  parsePlatform,
  parseReference,
  type Platform,
  type Reference,
  repositoryName,
  SlipwayError,
  withDefaultTag,
} from '../model/index.ts';
import type { Context, Output } from './command.ts';
import { Rows } from './progress/rows.ts';

const STATES: Readonly<Record<PullProgress['state'], string>> = {
  waiting: 'Pulling fs layer',
  downloading: 'Downloading',
  downloaded: 'Download complete',
  unpacking: 'Extracting',
  done: 'Pull complete',
  present: 'Already exists',
};

export interface ShownPull {
  readonly out: Output;
  readonly quiet: boolean;
  readonly platform?: Platform;
}

/** Pulls one name, and shows it as Docker does. */
export async function shownPull(ctx: Context, ref: Reference, o: ShownPull): Promise<Pulled> {
  const name = withDefaultTag(ref);
  const rows = new Rows(o.out, ctx.now);
  const from = `${name.tag ?? name.digest}: Pulling from ${name.domain === 'docker.io' ? name.path : repositoryName(name)}\n`;
  let begun = false;
  // when the registry has answered
  const begin = (): void => {
    if (!o.quiet && !begun) o.out.write(from);
    begun = true;
  };
  const pulled = await pullImage(await ctx.engine(), name, {
    signal: ctx.signal,
    ...(o.platform && { platform: o.platform }),
    onNotice: (message) => void ctx.stderr.write(`warning: ${message}\n`),
    onProgress: ({ digest, state, current, total }) => {
      begin();
      if (o.quiet) return;
      const moving = state === 'downloading' || state === 'unpacking';
      rows.set({ key: digest.slice(7, 19), state: STATES[state], ...(moving && { current, total }) });
    },
  })
    .catch((e: unknown) => withStandIn(e, familiarReference(name)))
    .finally(() => rows.end());
  begin();
  if (!o.quiet) {
    const status = pulled.changed ? 'Downloaded newer image for' : 'Image is up to date for';
    o.out.write(`Digest: ${pulled.digest}\nStatus: ${status} ${familiarReference(name)}\n`);
  }
  return pulled;
}

/** Says that a well-known base image can be made here. @throws always */
async function withStandIn(e: unknown, name: string): Promise<never> {
  if (!isSlipwayError(e) || !['not-found', 'unavailable', 'permission-denied'].includes(e.kind)) throw e;
  const { standInAdvice } = await import('../engine/index.ts');
  const advice = await standInAdvice(name);
  if (advice === undefined) throw e;
  throw e.withContext({ hints: [advice, ...e.hints] });
}

export type PullPolicy = 'always' | 'missing' | 'never';

/** Does `work`, which needs an image, after pulling that image where the policy says so. What is shown goes to standard error. */
export async function withImage<T>(
  ctx: Context,
  { image, platform }: { readonly image: string; readonly platform?: string },
  policy: PullPolicy,
  quiet: boolean,
  work: () => Promise<T>,
): Promise<T> {
  const pull = (): Promise<Pulled> =>
    shownPull(ctx, parseReference(image), { out: ctx.stderr, quiet, ...(platform !== undefined && { platform: parsePlatform(platform) }) });
  if (policy === 'always') await pull();
  try {
    return await work();
  } catch (e) {
    if (policy !== 'missing' || !isSlipwayError(e) || e.code !== 'image.not-found') throw e;
    if (!quiet) ctx.stderr.write(`Unable to find image '${familiarReference(withDefaultTag(parseReference(image)))}' locally\n`);
    await pull();
    return work();
  }
}

export function parsePolicy(text: string | undefined): PullPolicy {
  if (text === undefined || text === 'missing' || text === 'always' || text === 'never') return text ?? 'missing';
  throw new SlipwayError('invalid-argument', 'cli.pull', `invalid pull option: '${text}': must be one of "always", "missing" or "never"`, {
    exitCode: 125,
  });
}

/** `docker.io/library/busybox:latest`. */
export const wholeName = (ref: Reference): string => formatReference(withDefaultTag(ref));
