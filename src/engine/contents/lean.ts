// What a runtime image carries that only a build needs, by layer, and where it should have stayed.
import { type ImageFile, readContents } from '../../image/index.ts';
import type { Digest } from '../../model/index.ts';
import type { Engine } from '../engine.ts';
import { heldImage } from './held.ts';
import { type BuildOnlyKind, type Rule, ruleFor } from './rules.ts';
import { largest, sizeOf } from './size.ts';
import { layerSteps, type LayerStep } from './steps.ts';

/** Paths named for each finding. */
const EXAMPLES = 3;

export interface Ballast {
  readonly kind: BuildOnlyKind;
  readonly what: string;
  /** Bytes. */
  readonly size: number;
  readonly files: number;
  /** The largest of them. */
  readonly examples: readonly string[];
  readonly layer: number;
  readonly step: LayerStep;
  /** The stage in which it should have stayed, or a word for it. */
  readonly belongs: string;
  readonly advice: string;
}

export interface Leanness {
  readonly name: string;
  readonly id: Digest;
  /** Bytes of what can be seen in the image. */
  readonly size: number;
  /** Bytes of what only a build needs. */
  readonly ballastBytes: number;
  /** The largest first. */
  readonly ballast: readonly Ballast[];
}

/** Looks through an image of the store. Throws as `imageSize` does. */
export async function leanness(engine: Engine, name: string, o: { signal?: AbortSignal } = {}): Promise<Leanness> {
  using lease = engine.leases.create();
  const image = heldImage(engine, name, lease);
  const { files } = await readContents(engine.images.layers, image, o);
  const steps = await layerSteps(engine, image);
  const found = new Map<string, { rule: Rule; layer: number; files: ImageFile[] }>();
  for (const file of files) {
    const rule = ruleFor(file.path);
    if (rule === undefined || file.size === 0) continue;
    const key = `${file.layer} ${rule.what}`;
    const group = found.get(key);
    if (group) group.files.push(file);
    else found.set(key, { rule, layer: file.layer, files: [file] });
  }
  const ballast = [...found.values()].map(({ rule, layer, files: of }): Ballast => {
    const step = steps[layer] ?? { instruction: '' };
    return {
      kind: rule.kind,
      what: rule.what,
      size: sizeOf(of),
      files: of.length,
      examples: largest(of, EXAMPLES).map((f) => f.path),
      layer,
      step,
      ...whereTo(rule, step),
    };
  });
  ballast.sort((a, b) => b.size - a.size);
  return { name, id: image.id, size: sizeOf(files), ballastBytes: sizeOf(ballast), ballast };
}

/** What to do about it depends on how it came into the image. */
function whereTo(rule: Pick<Rule, 'kind' | 'advice'>, step: LayerStep): { belongs: string; advice: string } {
  if (step.base !== undefined)
    return {
      belongs: `a build stage FROM ${step.base}`,
      advice: `end with another stage FROM a runtime image, and COPY --from the one FROM ${step.base} what it makes`,
    };
  if (step.from !== undefined)
    return { belongs: step.from, advice: `it came with ${step.instruction}: copy from ${step.from} only what the program needs to run` };
  if (/^(?:COPY|ADD)\b/.test(step.instruction))
    return {
      belongs: 'the build context',
      advice: rule.kind === 'repository' || rule.kind === 'tests' ? 'leave it out by .dockerignore' : 'copy it in a build stage only',
    };
  if (rule.kind === 'cache') return { belongs: 'a cache mount', advice: rule.advice ?? '' };
  if (step.instruction.startsWith('RUN '))
    return {
      belongs: 'a build stage',
      advice: 'run this step in a stage of its own (FROM … AS build), and COPY --from=build what it makes',
    };
  return { belongs: 'a build stage', advice: 'end with a stage FROM a runtime image, and COPY --from what the program needs' };
}
