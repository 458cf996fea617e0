// The nouns of the field, as data: no file, process or network is touched here.
export { SlipwayError, isSlipwayError } from './errors.ts';
export type { ErrorDetails, ErrorKind, SourceExcerpt, SourcePosition, SourceRange } from './errors.ts';
export { chainId, chainIds, digestHex, isDigest, sha256, shortDigest, supportedDigest } from './digest.ts';
export type { Digest } from './digest.ts';
export { MediaType, isIndexType, isManifestType } from './descriptor.ts';
export type { Descriptor } from './descriptor.ts';
export { parseIndex, parseManifest, sniffMediaType } from './manifest.ts';
export type { Index, Manifest } from './manifest.ts';
export { MAX_LAYERS, parseImageConfig } from './config.ts';
export type { ContainerConfig, Healthcheck, HistoryEntry, ImageConfig, RootFs } from './config.ts';
export { asRecord, encodeJson, parseJson, parseJsonValue } from './json.ts';
export {
  DEFAULT_DOMAIN,
  familiarName,
  familiarReference,
  familiarWord,
  formatReference,
  parseReference,
  repositoryName,
  withDefaultTag,
} from './reference.ts';
export type { Reference } from './reference.ts';
export type { AgentConnection, LocalFiles, LocalWish, OutputPlace, Session, SessionCredentials, SshAgent } from './session.ts';
export { signalNumber } from './signal.ts';
export { formatPlatform, hostPlatform, matchesPlatform, parsePlatform, platformOfImage } from './platform.ts';
export type { Platform } from './platform.ts';
export { formatLock, type LockedImage, parseLock } from './lock.ts';
export { parseUlimit, type Ulimit } from './ulimit.ts';
export type { BuilderEndpoint, BuilderTls } from './builder.ts';
