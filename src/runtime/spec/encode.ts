// Writing a bundle: config.json as compact as JSON is.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OciSpec, ProcessSpec } from './oci.ts';

/** Makes the directory when it is missing. */
export function writeBundle(directory: string, spec: OciSpec): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(join(directory, 'config.json'), encodeSpec(spec), { mode: 0o600 });
}

/** RLIM_INFINITY (2^64-1) has no exact number in JavaScript: its neighbour 2^64 stands for it until here. */
export function encodeSpec(value: OciSpec | ProcessSpec): string {
  return JSON.stringify(value).replaceAll(':18446744073709552000', ':18446744073709551615');
}
