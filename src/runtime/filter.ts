// Compiling a seccomp profile takes crun 15 ms, each time. It accepts a compiled filter as well, in an annotation: so
// each profile is compiled once by each crun and stored until the next boot. A crun that would ignore the
// annotation, and so run without any filter, is found by trying; it gets the profile as it is.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../sys/index.ts';
import type { RuntimeBinary } from './binary.ts';
import { compileFilter, isFiltered } from './probe.ts';
import { recentCalls } from './recent-calls.ts';
import type { OciSpec, Seccomp } from './spec/oci.ts';

const ANNOTATION = 'run.oci.seccomp_bpf_data';

export class FilterCache {
  readonly #binary: RuntimeBinary;
  readonly #known = new WeakMap<Seccomp, Promise<string | undefined>>();

  constructor(binary: RuntimeBinary) {
    this.#binary = binary;
  }

  /** The spec with its profile compiled, or as it is. */
  async apply(spec: OciSpec): Promise<OciSpec> {
    const { seccomp, ...linux } = spec.linux;
    if (seccomp === undefined || this.#binary.name !== 'crun') return spec;
    let compiled = this.#known.get(seccomp);
    if (compiled === undefined) {
      compiled = this.#load(seccomp);
      this.#known.set(seccomp, compiled);
    }
    const data = await compiled;
    return data === undefined ? spec : { ...spec, annotations: { ...spec.annotations, [ANNOTATION]: data }, linux };
  }

  /** base64; undefined when this crun does not take it. */
  async #load(seccomp: Seccomp): Promise<string | undefined> {
    const folder = join(this.#binary.stateRoot, 'filters');
    const recent = recentCalls(seccomp, process.arch);
    const key = `${this.#binary.identity} ${recent.toString('base64')} ${JSON.stringify(seccomp)}\n`;
    const path = join(folder, nameOf(key));
    const stored = read(path);
    let data = stored?.startsWith(key) ? stored.slice(key.length) : undefined;
    if (data === undefined) {
      const compiled = await compileFilter(this.#binary, seccomp);
      data = compiled === undefined ? '' : Buffer.concat([recent, compiled]).toString('base64');
      if (data !== '' && !(await isFiltered(this.#binary, { [ANNOTATION]: data }))) data = '';
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileAtomic(path, key + data, { mode: 0o600 });
    }
    return data === '' ? undefined : data;
  }
}

/** Different for most profiles. The file itself says which one it is for: node:crypto would take 8 ms of a container's start. */
function nameOf(key: string): string {
  let hash = key.length;
  for (let i = 0; i < key.length; i += 16) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  return (hash >>> 0).toString(16).padStart(8, '0');
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
