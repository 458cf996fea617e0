// What the build cache holds belongs to the project that brought it: a Dockerfile in a folder or a repository.

/** The name of a project, from what builds of the same Dockerfile have in common: `CONTEXT DOCKERFILE`, the usual one left out. */
export const projectName = (identity: string): string => identity.replace(/ Dockerfile$/, '');

/** An address without its scheme, the user, and `.git`: as people name a repository. */
const bare = (address: string): string => address.replace(/^[a-z+]+:\/\/(?:[^/@]*@)?|^git@/, '').replace(/\.git(?=#|:|$)/, '');

/**
 * Whether a project is meant: by its folder, one above it, its Dockerfile (all absolute), or its repository, with or without the
 * scheme and what follows `#`.
 */
export function isProject(name: string, wanted: string): boolean {
  if (!wanted.startsWith('/')) return name.split(' ').some((word) => [word, word.split('#')[0]!].some((w) => bare(w) === bare(wanted)));
  const folder = wanted === '/' ? '' : wanted.replace(/\/+$/, '');
  return name === wanted || name.startsWith(`${folder}/`) || name.startsWith(`${folder} /`) || name.endsWith(` ${wanted}`);
}

export interface ProjectUse {
  /** Undefined for what came from another machine. */
  readonly project: string | undefined;
  readonly entries: number;
  /** Bytes. */
  readonly size: number;
  /** ms since the epoch. */
  readonly usedAt: number;
}

/** What each project brought, the largest first. */
export function usesByProject(entries: readonly Omit<ProjectUse, 'entries'>[]): ProjectUse[] {
  const uses = Map.groupBy(entries, (e) => e.project);
  return [...uses]
    .map(([project, of]) => ({
      project,
      entries: of.length,
      size: of.reduce((n, e) => n + e.size, 0),
      usedAt: Math.max(...of.map((e) => e.usedAt)),
    }))
    .sort((a, b) => b.size - a.size || b.usedAt - a.usedAt);
}
