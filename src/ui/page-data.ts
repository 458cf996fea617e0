// What the store knows of a build, as the page wants it.
import type { ImageMap, ShownBuild } from '../engine/index.ts';
import type { PageBuild, PageData, PageImage, PageStep } from './page/data.ts';
import { stepWords } from './page/step-name.ts';

export interface PageSources {
  readonly build: ShownBuild;
  readonly log: string;
  /** What it is compared with. */
  readonly before?: ShownBuild | undefined;
  /** Builds of the same Dockerfile, this one among them. */
  readonly past: readonly ShownBuild[];
  readonly image?: ImageMap | undefined;
  readonly otherImage?: ImageMap | undefined;
}

export const pageData = ({ build, log, before, past, image, otherImage }: PageSources): PageData => ({
  build: pageBuild(build, log),
  ...(before && { before: pageBuild(before, '') }),
  past: past
    .toSorted((a, b) => a.record.startedAt - b.record.startedAt)
    .map(({ record: { ref, startedAt, status }, summary: { wallMs, ran, cached } }) => ({
      ref,
      startedAt,
      ms: wallMs,
      ran,
      cached,
      status,
    })),
  ...(image && { image: pageImage(image) }),
  ...(otherImage && { otherImage: pageImage(otherImage) }),
});

function pageBuild({ record, summary }: ShownBuild, log: string): PageBuild {
  const critical = new Set(summary.criticalPath.map((s) => s.id));
  const { sections, rest } = logSections(log, new Set(record.steps.map((s) => s.name)));
  const steps = record.steps.map((s, i): PageStep => {
    return {
      id: s.id,
      number: i + 1,
      name: s.name,
      ...stepWords(s.name, s.stage),
      state: s.state,
      ...(s.startedAt !== undefined && { startedAt: s.startedAt }),
      ...(s.endedAt !== undefined && { endedAt: s.endedAt }),
      ...(s.savedMs !== undefined && { savedMs: s.savedMs }),
      ...(s.error !== undefined && { error: s.error }),
      why: s.why ?? [],
      inputs: s.inputs.map(({ id, part }) => ({ id, whole: !part.startsWith('content:') })),
      critical: critical.has(s.id),
      log: sections.get(s.name) ?? '',
    };
  });
  const { ref, name, engine, target, status, error, startedAt, tags, images, skipped } = record;
  const { wallMs, ran, cached, savedByCacheMs, savedByParallelMs } = summary;
  return {
    ref,
    name,
    engine,
    ...(target !== undefined && { target }),
    status,
    ...(error !== undefined && { error }),
    startedAt,
    ms: wallMs,
    ran,
    cached,
    savedByCacheMs,
    savedByParallelMs,
    tags,
    images,
    skipped,
    steps,
    log: rest,
  };
}

/** The log of a build has the name of a step above what it wrote, and an empty line below. */
function logSections(log: string, names: ReadonlySet<string>): { sections: ReadonlyMap<string, string>; rest: string } {
  const sections = new Map<string, string[]>();
  const rest: string[] = [];
  let at = rest;
  let empty = true;
  for (const line of log.split('\n')) {
    if (empty && names.has(line) && !sections.has(line)) sections.set(line, (at = []));
    else at.push(line);
    empty = line === '';
  }
  return {
    sections: new Map([...sections].map(([name, lines]) => [name, lines.join('\n').trimEnd()])),
    rest: rest.join('\n').trimEnd(),
  };
}

export const pageImage = ({ name, size, layers, root, hiddenBytes, duplicateBytes }: ImageMap): PageImage => ({
  name,
  size,
  layers: layers.map((l) => ({ instruction: l.instruction, from: l.base ?? l.stage ?? '', size: l.size })),
  root,
  hiddenBytes,
  duplicateBytes,
});
