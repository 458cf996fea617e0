// Which step of which stage made each layer of an image: of its history, and of the build that is on record here.
import type { StepRecord } from '../../builder/index.ts';
import type { Image } from '../../image/index.ts';
import { familiarReference, parseReference } from '../../model/index.ts';
import type { Engine } from '../engine.ts';

export interface LayerStep {
  /** `RUN go build`, `COPY --from=build /app /app`; what the image's history says, without the build that made it. */
  readonly instruction: string;
  /** The stage that it stands in, where the build is on record. */
  readonly stage?: string;
  /** The stage or image that a COPY took its files from. */
  readonly from?: string;
  /** The name of the image that the layer came with, when that one is in the store too. */
  readonly base?: string;
}

/** One for each layer, lowest first. */
export async function layerSteps(engine: Engine, image: Image): Promise<LayerStep[]> {
  const { BuildRecords } = await import('../../builder/index.ts');
  const record = new BuildRecords(engine.db).all().find((r) => r.images.includes(image.id));
  const history = (image.config.history ?? []).filter((h) => h.empty_layer !== true).map((h) => plainInstruction(h.created_by ?? ''));
  const bases = baseLayers(engine, image);
  // the same instruction may stand in several stages: those of the final one come last
  const steps = [...(record?.steps ?? [])];
  const found = image.layers.toReversed().map((_, n): LayerStep => {
    const position = image.layers.length - 1 - n;
    const base = bases[position];
    const instruction = history.length === image.layers.length ? (history[position] ?? '') : '';
    if (base !== undefined) return { instruction, base };
    const at = steps.findLastIndex((s) => sameInstruction(s, instruction));
    const step = at < 0 ? undefined : steps.splice(at, 1)[0];
    if (step === undefined) return { instruction };
    const whole = instructionOf(step);
    const from = /^(?:COPY|ADD) (?:--\S+ )*--from=(\S+)/.exec(whole)?.[1];
    return { instruction: whole, ...(step.stage !== undefined && { stage: step.stage }), ...(from !== undefined && { from }) };
  });
  return found.toReversed();
}

/** `|1 A=b /bin/sh -c make # buildkit` → `RUN make`; `/bin/sh -c #(nop) COPY file:1 in /` → `COPY file:1 in /`. */
export function plainInstruction(createdBy: string): string {
  const text = createdBy.replace(/ # buildkit$/, '').trim();
  const nop = /^\/bin\/sh -c #\(nop\)\s+(.*)$/s.exec(text)?.[1];
  if (nop !== undefined) return nop;
  const shell = /^(?:RUN )?(?:\|\d+ .*? )?\/bin\/sh -c (.*)$/s.exec(text)?.[1];
  return shell === undefined ? text : `RUN ${shell}`;
}

/** `[build 2/3] RUN make` → `RUN make`. */
const instructionOf = (step: StepRecord): string => step.name.replace(/^\[[^\]]*\] /, '');
/** History has no flags of RUN and COPY. */
const withoutFlags = (text: string): string =>
  text
    .replace(/^(\w+)((?: --\S+)+) /, '$1 ')
    .replaceAll(/\s+/g, ' ')
    .trim();

function sameInstruction(step: StepRecord, instruction: string): boolean {
  return instruction !== '' && withoutFlags(instructionOf(step)) === withoutFlags(instruction);
}

/** For each layer the name of the smallest other image that consists of the layers up to some later one. */
function baseLayers(engine: Engine, image: Image): (string | undefined)[] {
  const names = new Map<string, string>();
  for (const other of engine.images.list()) {
    const [name] = other.names;
    if (name === undefined || other.id === image.id) continue;
    const top = engine.images.layerChains(other.id).at(-1);
    if (top !== undefined) names.set(top, familiarReference(parseReference(name)));
  }
  const bases: (string | undefined)[] = [];
  let base: string | undefined;
  for (const [n, layer] of image.layers.entries().toArray().toReversed()) {
    // an image of all the same layers is no base of this one
    if (n < image.layers.length - 1) base = names.get(layer.chainId) ?? base;
    bases[n] = base;
  }
  return bases;
}
