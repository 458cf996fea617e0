// Registries by the OCI distribution specification: signing in, pulling, pushing, and copying without a store.
export {
  copy,
  type Copied,
  type CopyOptions,
  type CopySource,
  type CopyTarget,
  openSource,
  openTarget,
  parsePlace,
  type Place,
} from './copy/index.ts';
export { DockerArchiveTarget, type ImageName, LayoutTarget } from './copy/targets.ts';
export { ConfigCredentials } from './credentials.ts';
export { credentialKey, type Host } from './host.ts';
export { imagesOf, type ListEntry, makeList, pushList, remoteManifest } from './lists.ts';
export { pull, type Pulled, type PullOptions, type PullProgress, type RemoteImage, resolveImage } from './pull.ts';
export { type Compression, compressing, measureLayer, push, type Pushed, type PushOptions, type PushProgress } from './push.ts';
export { isAttestation } from './platform.ts';
export { Registries } from './registries.ts';
export { type Found, parseSearchTerm, search } from './search.ts';
export { type RemoteManifest, Repository } from './repository.ts';
export { ANONYMOUS, type Credentials, type CredentialSource, type HostSettings, type RegistrySettings } from './types.ts';
