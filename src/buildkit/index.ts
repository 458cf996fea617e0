// BuildKit's protocol on this engine: an adapter for buildx, buildctl and what stands on them.
export { BuildKitService } from './service.ts';
export { BuildStatus, statusBytes } from './status.ts';
