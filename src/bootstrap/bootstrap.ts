// Makes a stand-in for a well-known base image and gives it that name, once: one that is there already is kept.
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type Image, type ImageStore, importRootfs } from '../image/index.ts';
import { familiarReference, formatReference, isSlipwayError, parseReference, SlipwayError, withDefaultTag } from '../model/index.ts';
import { removeTree } from '../sys/index.ts';
import { nearest } from '../util/index.ts';
import { asksForAlpine } from './alpine.ts';
import { findRecipe, type Recipe, RECIPES, tagFits, tagsOf, variantOf } from './recipes.ts';
import { busyboxRootfs, debianRootfs, type RootfsSource } from './rootfs.ts';

/** Says of an image that it is a stand-in, and for what. */
const STAND_IN_LABEL = 'dev.slipway.stand-in-for';

export interface BootstrapOptions {
  /** As people write it: `golang:1.19-bookworm`. */
  readonly reference: string;
  /** Make it again although there is one. */
  readonly force?: boolean;
  /** A folder in which a working folder may be made. */
  readonly scratch: string;
  /** Proxy settings and the like, for apt on its way to the packages. */
  readonly environment: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** ms since the epoch. */
  readonly now: number;
  onStatus(text: string): void;
}

export interface Bootstrapped {
  readonly image: Image;
  readonly recipe: Recipe;
  /** False when it was there already. */
  readonly made: boolean;
}

/** The recipe that a reference asks for, and its whole name. @throws SlipwayError `bootstrap.unknown` or `bootstrap.version`. */
export function recipeFor(text: string): { recipe: Recipe; name: string } {
  const reference = withDefaultTag(parseReference(text));
  const repository = reference.domain === 'docker.io' ? reference.path.replace(/^library\//, '') : `${reference.domain}/${reference.path}`;
  const recipe = findRecipe(repository);
  if (!recipe) {
    const near = nearest(
      repository,
      RECIPES.map((r) => r.name),
    );
    throw new SlipwayError('not-found', 'bootstrap.unknown', `there is no recipe for ${repository}`, {
      hints: [near ? `did you mean ${near}?` : `there are recipes for ${RECIPES.map((r) => r.name).join(', ')}`],
    });
  }
  const tag = reference.tag ?? '';
  if (!tagFits(recipe, tag)) {
    throw new SlipwayError('not-found', 'bootstrap.version', `Debian has no ${recipe.name} that ${recipe.name}:${tag} could stand for`, {
      hints: [
        `these can be made: ${tagsOf(recipe)
          .map((t) => `${recipe.name}:${t}`)
          .join(', ')}`,
        `where another version will do, give a stand-in of it that name: ${inPlaceOf(recipe, tag)}`,
      ],
    });
  }
  return { recipe: variantOf(recipe, tag), name: formatReference(reference) };
}

/** What to type where a file asks for a version that Debian does not have. */
function inPlaceOf({ name, versions: [version = 'latest'] }: Recipe, tag: string): string {
  const made = `${name}:${version}${asksForAlpine(tag) ? '-alpine' : ''}`;
  return `slipway bootstrap ${made} && slipway tag ${made} ${name}:${tag}`;
}

/** The stand-in that the recipe has made under another of its names: `node:18` is `node`, and `node:alpine` is another. */
function standInOf(store: ImageStore, recipe: Recipe, tag: string): Image | undefined {
  for (const { id } of store.list({ labels: [STAND_IN_LABEL] })) {
    const image = store.find(id);
    const name = image?.config.config?.Labels?.[STAND_IN_LABEL];
    // what was built upon a stand-in has inherited its label
    if (image?.config.history?.length !== 1) continue;
    if (name === undefined) continue;
    const made = parseReference(name);
    if (made.path.replace(/^library\//, '') === recipe.name && asksForAlpine(made.tag ?? '') === asksForAlpine(tag)) return image;
  }
  return undefined;
}

export async function bootstrap(store: ImageStore, o: BootstrapOptions): Promise<Bootstrapped> {
  const { recipe, name } = recipeFor(o.reference);
  const there = store.find(name);
  if (there && !o.force) return { image: there, recipe, made: false };
  const other = o.force ? undefined : standInOf(store, recipe, parseReference(name).tag ?? '');
  if (other) {
    store.tag(other.id, name);
    return { image: store.get(other.id), recipe, made: false };
  }
  const work = mkdtempSync(join(o.scratch, 'bootstrap-'));
  let maker: RootfsSource | undefined;
  try {
    const options = { work, environment: o.environment, signal: o.signal, onStatus: o.onStatus };
    const rootfs =
      recipe.kind === 'busybox'
        ? { stream: Readable.from([await busyboxRootfs(options)]), done: Promise.resolve() }
        : await debianRootfs(recipe, options);
    maker = rootfs;
    const label = `LABEL ${STAND_IN_LABEL}=${familiarReference(parseReference(name))}`;
    const image = await importRootfs(store, rootfs.stream, {
      changes: [...recipe.changes, label],
      message: 'stand-in made by slipway bootstrap from Debian packages',
      name,
      created: new Date(o.now),
      complete: rootfs.done,
      signal: o.signal,
    });
    return { image, recipe, made: true };
  } catch (e) {
    // the tools that it stops, and the archive that ends early, fail in words of their own
    o.signal.throwIfAborted();
    // nothing, or half of an archive, comes from a maker that failed: what it says is the cause
    if (isSlipwayError(e) && e.code.startsWith('archive.')) await maker?.done;
    throw e;
  } finally {
    // one that was told to end still writes for a moment
    maker?.stream.destroy();
    await maker?.done.catch(() => {});
    removeTree(work);
  }
}
