// Sessions: what only the caller of an operation has.
export { openAgent, PathSession, type PathSessionOptions, sessionCredentials } from './paths.ts';
export type { SecretSource } from './secret.ts';
export { userCredentials } from './credentials.ts';
export { readContextWords } from './words.ts';
