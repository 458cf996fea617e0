// The checks that many chapters share: was it built, how, and from what.
import { type Verdict, notYet } from './chapter.ts';
import type { Build, Image, World } from './world.ts';

/** How a chapter asks for a build. */
export interface Wanted {
  readonly tag: string;
  readonly engine?: Build['engine'];
  /** The stage asked for; undefined when the last one is. */
  readonly target?: string;
}

const ENGINES = { classic: { name: 'original', switch: '0' }, graph: { name: 'graph', switch: '1' } } as const;

const named = (build: Build, tag: string): boolean => build.tags.some((t) => t === tag || t === `${tag}:latest`);

function command({ tag, engine, target }: Wanted): string {
  const variable = engine === undefined ? '' : `DOCKER_BUILDKIT=${ENGINES[engine].switch} `;
  return `${variable}slipway build ${target === undefined ? '' : `--target ${target} `}-t ${tag} .`;
}

/** The newest build under a tag, when it is the one that was asked for; else what is different about it. */
export async function builtAs(world: World, wanted: Wanted): Promise<Build | Verdict> {
  const builds = await world.builds();
  const hint = command(wanted);
  const found = builds.find((b) => named(b, wanted.tag));
  if (found === undefined) {
    const other = builds.find((b) => b.status === 'completed');
    if (other === undefined) return notYet('Nothing has been built since the chapter began.', hint);
    const tags = other.tags.length === 0 ? 'no name' : `the name ${other.tags.join(', ')}`;
    return notYet(`The last build gave its image ${tags}; the chapter asks for ${wanted.tag}.`, hint);
  }
  if (found.status !== 'completed')
    return notYet(`The last build of ${wanted.tag} did not succeed.`, 'slipway builder history logs shows what its steps wrote');
  if (wanted.engine !== undefined && found.engine !== wanted.engine)
    return notYet(`${wanted.tag} was built by the ${ENGINES[found.engine].name} engine.`, `the variable chooses the other: ${hint}`);
  if (found.target !== wanted.target) {
    const was = found.target === undefined ? 'without --target, so it is the last stage' : `with --target ${found.target}`;
    return notYet(`${wanted.tag} was built ${was}.`, hint);
  }
  return found;
}

export const isVerdict = (found: Build | Verdict): found is Verdict => 'ok' in found;

/** The image of a name, or the verdict that it is missing. */
export async function imageNamed(world: World, name: string): Promise<Image | Verdict> {
  return (await world.image(name)) ?? notYet(`There is no image ${name}.`, `slipway build -t ${name} .`);
}

/** The names of the steps of a build. */
export async function stepsOf(world: World, build: Build): Promise<string[]> {
  const { stdout } = await world.slipway(['builder', 'history', 'inspect', '--format', 'json', build.ref]);
  return (JSON.parse(stdout) as { steps: { name: string }[] }).steps.map((s) => s.name);
}
