// Arguments that exist without being declared, and those declared before the first FROM.
import { FieldExpander } from './expand/instruction.ts';
import { PREDEFINED_ARGS } from './predefined.ts';
import type { Dockerfile } from './stages.ts';

export interface PlatformParts {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

function formatParts({ os, architecture, variant }: PlatformParts): string {
  return [os, architecture, ...(variant ? [variant] : [])].join('/');
}

/** `BUILDPLATFORM`, `TARGETARCH` and the like: known to FROM, and to a stage that declares them. */
export function platformArgs(build: PlatformParts, target: PlatformParts): Map<string, string> {
  const args = new Map<string, string>();
  for (const [prefix, platform] of [
    ['BUILD', build],
    ['TARGET', target],
  ] as const) {
    args.set(`${prefix}PLATFORM`, formatParts(platform));
    args.set(`${prefix}OS`, platform.os);
    args.set(`${prefix}ARCH`, platform.architecture);
    args.set(`${prefix}VARIANT`, platform.variant ?? '');
  }
  return args;
}

export interface GlobalArgsOptions {
  readonly buildArgs: Readonly<Record<string, string>>;
  /** The original engine has none, and no `TARGETSTAGE` either. */
  readonly platformArgs?: ReadonlyMap<string, string>;
  /** The stage to build, for `TARGETSTAGE`. Default: the last one's name, or `default` when it has none. */
  readonly target?: string;
}

/**
 * The variables that FROM lines see and that an ARG without a default takes: platform arguments (which `--build-arg` may
 * replace) and the ARGs before the first FROM, each default made with those above it.
 */
export function globalArgs(dockerfile: Dockerfile, options: GlobalArgsOptions): Map<string, string> {
  const { buildArgs } = options;
  const given = (name: string) => (Object.hasOwn(buildArgs, name) ? buildArgs[name] : undefined);
  const values = new Map<string, string>();
  for (const [name, value] of options.platformArgs ?? []) values.set(name, given(name) ?? value);
  if (options.platformArgs)
    values.set('TARGETSTAGE', given('TARGETSTAGE') ?? (options.target || dockerfile.stages.at(-1)?.name || 'default'));
  for (const arg of dockerfile.metaArgs) {
    const expander = new FieldExpander(arg, values, { escape: dockerfile.escape });
    arg.args.forEach(({ key, value }, index) => {
      const found = given(key) ?? (value === undefined ? undefined : expander.word(value, arg.node.words[index]?.range));
      if (found !== undefined) values.set(key, found);
    });
  }
  return values;
}

/** The predefined arguments that were given, for the environment of RUN. They enter neither history nor cache keys. */
export function givenPredefinedArgs(buildArgs: Readonly<Record<string, string>>): Map<string, string> {
  return new Map(Object.entries(buildArgs).filter(([name]) => PREDEFINED_ARGS.has(name)));
}
