// What can be asked of a Dockerfile, as data: its targets, and what the build of one can be given.
import type { Examined } from '../builder/index.ts';
import type { Dockerfile } from '../dockerfile/index.ts';
import type { SourceRange } from '../model/index.ts';

/** A stage that can be built. */
export interface Target {
  readonly name?: string;
  /** It is what is built when no target is named. */
  readonly default?: true;
  readonly description?: string;
  readonly base: string;
  readonly platform?: string;
  readonly range: SourceRange;
}

export interface Targets {
  /** Of the Dockerfile. */
  readonly text: string;
  readonly targets: readonly Target[];
}

interface Wanted {
  readonly name: string;
  readonly required?: true;
  readonly range: SourceRange;
}

export interface TargetOutline {
  readonly text: string;
  readonly name?: string;
  readonly description?: string;
  readonly args: readonly { readonly name: string; readonly description?: string; readonly value?: string; readonly range: SourceRange }[];
  readonly secrets: readonly Wanted[];
  readonly ssh: readonly Wanted[];
}

export function targetsOf({ text, stages }: Dockerfile): Targets {
  const targets = stages.map(({ name, index, comments, from }): Target => ({
    ...(name !== undefined && { name }),
    ...(index === stages.length - 1 && { default: true }),
    ...descriptionOf(comments, name),
    base: from.base,
    ...(from.platform !== undefined && { platform: from.platform }),
    range: plain(from.range),
  }));
  return { text, targets };
}

export function outlineOf({ dockerfile, target, outline }: Examined): TargetOutline {
  const wanted = (list: Examined['outline']['secrets']): Wanted[] =>
    list.map(({ name, required, range }) => ({ name, ...(required && { required }), range: plain(range) }));
  return {
    text: dockerfile.text,
    ...(target.name !== undefined && { name: target.name }),
    ...descriptionOf(target.comments, target.name),
    args: outline.args.map(({ name, comments, value, range }) => ({
      name,
      ...descriptionOf(comments, name),
      ...(value && { value }),
      range: plain(range),
    })),
    secrets: wanted(outline.secrets),
    ssh: wanted(outline.ssh),
  };
}

/** Ranges of the parser are found when they are asked for. */
const plain = ({ start, end }: SourceRange): SourceRange => ({ start, end });

/** The comment above that begins with the name of what it describes. */
function descriptionOf(comments: readonly string[], name: string | undefined): { description?: string } {
  const found = name === undefined ? undefined : comments.find((comment) => comment.startsWith(`${name} `));
  return found === undefined ? {} : { description: found.slice(name!.length + 1) };
}
