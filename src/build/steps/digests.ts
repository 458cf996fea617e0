// Digests of files remembered between builds.
export interface FileDigests { save(): void }
