// Where the documentation says more about a command. The pages are part of the package.
import { ENTRIES } from './commands/index.ts';

/** Guide pages by the words that commands begin with, the most words first. */
const GUIDES: readonly (readonly [RegExp, string])[] = [
  [/^build$/, 'stages'],
  [/^test$/, 'testing'],
  [/^lock /, 'bases'],
  [/^bootstrap$/, 'bases'],
  [/^(?:run|create|port)$/, 'ports'],
  [/^(?:push|pull|login|logout|tag|copy|search|registry \w+|manifest \w+|imagetools \w+)$/, 'registries'],
  [/^image (?:size|lean|tree|compare)$/, 'small-images'],
  [/^(?:rm|rmi|(?:system|image|container|volume|network|builder) prune|system df|builder du)$/, 'clean-up'],
  [/^builder (?:ls|use|inspect|stop|create|rm)$/, 'builders'],
  [/^builder (?:why|history .*)$/, 'caching'],
  [/^serve$/, 'docker-clients'],
];

/** The page of a command, whichever of its names it is called by. */
export function referencePage(path: string): string {
  const entry = ENTRIES.find((e) => e.path === path);
  const first = ENTRIES.find((e) => !e.hidden && e.load === entry?.load) ?? entry;
  return `docs/reference/commands/${(first?.path ?? path).replaceAll(' ', '-')}.md`;
}

/** The page of the guide that a command is about. */
export function guidePage(path: string): string | undefined {
  const page = GUIDES.find(([pattern]) => pattern.test(path))?.[1];
  return page === undefined ? undefined : `docs/guide/${page}.md`;
}

/** Pages of the guide by the codes of errors that they are about. */
const ERRORS: readonly (readonly [RegExp, string])[] = [
  [/^port\.(?:in-use|allocated|not-allowed)$/, 'ports'],
  [/^bootstrap\.(?:unknown|version)$/, 'bases'],
  [/^lock\./, 'bases'],
  [/^registry\.(?:unauthorized|insecure|realm)$|^login\./, 'registries'],
  [/^dockerfile\.(?:include|flatten)$/, 'features'],
];

/** The page that says more of an error. */
export function pageOfError(code: string): string | undefined {
  const page = ERRORS.find(([pattern]) => pattern.test(code))?.[1];
  return page === undefined ? undefined : `docs/guide/${page}.md`;
}
