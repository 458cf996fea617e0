// Dockerfiles for projects that have none.
export { LANGUAGE_NAMES, scaffold, type Scaffold } from './scaffold.ts';
export type { ProjectFolder } from './types.ts';
