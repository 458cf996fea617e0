// Helpers without a domain.
export { firstError, throwAfter, withCleanup, withCleanupSync } from './cleanup.ts';
export { armCrashPoint, CRASH_POINTS, crashPoint } from './crash-point.ts';
export type { CrashPoint } from './crash-point.ts';
export { formatBytes, parseBytes } from './bytes.ts';
export { durationText, humanDuration, parseDuration } from './duration.ts';
export { sha256Hex } from './sha256.ts';
export { sortedMap } from './sorted-map.ts';
export { parseTruth } from './truth.ts';
export { type Pace, paced } from './paced.ts';
export { stoppedBy } from './stopped-by.ts';
export { nearest } from './nearest.ts';
export { printable, printableJson, printableLine, printableWithColor } from './printable.ts';
export { deferred, once, randomBytes, randomId, randomInt } from './misc.ts';
export type { Deferred } from './misc.ts';
