// Docker's JSON for what the engine knows: the shapes of its API, which `inspect`, `info` and `events` print as well.
export { infoOf, type ProgramFacts } from './info.ts';
