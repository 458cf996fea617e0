// The rules of the build checks (docs.docker.com/reference/build-checks): their names, what each is about, and whether it is an
// experiment that must be asked for.

interface Rule {
  readonly description: string;
  readonly experimental?: true;
}

export const RULES = {
  StageNameCasing: { description: 'Names of stages are in lower case' },
  FromAsCasing: { description: 'FROM and AS are written in the same case' },
  NoEmptyContinuation: { description: 'No empty line stands within a continued instruction' },
  ConsistentInstructionCasing: { description: 'All instructions of a file are in capitals, or all in small letters' },
  DuplicateStageName: { description: 'No two stages have the same name' },
  ReservedStageName: { description: 'No stage is called scratch or context' },
  JSONArgsRecommended: { description: 'CMD and ENTRYPOINT as a JSON list get the signals that are meant for the program' },
  MaintainerDeprecated: { description: 'MAINTAINER is deprecated; use a label for the author' },
  UndefinedArgInFrom: { description: 'Arguments that FROM uses are declared before the first FROM' },
  WorkdirRelativePath: { description: 'A relative WORKDIR without an absolute one before it depends on the base image' },
  UndefinedVar: { description: 'Variables are set before they are used' },
  MultipleInstructionsDisallowed: { description: 'Of several CMD, ENTRYPOINT or HEALTHCHECK in a stage only the last one counts' },
  LegacyKeyValueFormat: { description: 'Keys and values are joined by an equals sign' },
  RedundantTargetPlatform: { description: 'FROM uses the target platform by default' },
  SecretsUsedInArgOrEnv: { description: 'Secrets in ARG or ENV stay in the image' },
  InvalidDefaultArgInFrom: { description: 'The defaults of arguments make a valid name of a base image' },
  FromPlatformFlagConstDisallowed: { description: 'FROM --platform takes a variable, so that the file builds for all platforms' },
  CopyIgnoredFile: { description: 'What is copied is not excluded by .dockerignore' },
  InvalidDefinitionDescription: { description: 'A comment above a stage or argument begins with its name', experimental: true },
  ExposeProtoCasing: { description: 'Protocols of EXPOSE are in lower case' },
  NonPortableSyntax: { description: 'What only Slipway understands stands in a file that need not build elsewhere' },
  ExposeInvalidFormat: { description: 'EXPOSE names ports of the container, and no address or port of the host' },
} as const satisfies Readonly<Record<string, Rule>>;

export type RuleName = keyof typeof RULES;

export const isExperimental = (name: RuleName): boolean => 'experimental' in RULES[name];

/** Rules that Docker has not. */
const OWN: ReadonlySet<RuleName> = new Set(['NonPortableSyntax']);

/** `no-empty-continuation`: what its page is called. */
export const ruleSlug = (name: RuleName): string =>
  name
    .replace(/^JSON/, 'Json')
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-')
    .toLowerCase();

/** Where a rule is explained: Docker's page, or that of this repository. */
export const ruleUrl = (name: RuleName): string =>
  OWN.has(name) ? `docs/reference/checks/${ruleSlug(name)}.md` : `https://docs.docker.com/go/dockerfile/rule/${ruleSlug(name)}/`;
