// BuildKit's protocol on this engine: an adapter for buildx, buildctl and what stands on them.
export { BuildKitService, type BuildKitOptions } from './service.ts';
export { BuildStatus, statusBytes } from './status.ts';
