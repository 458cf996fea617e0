// What is stated about the images of a build: SBOM and provenance, and where statements lie beside files.
import { createHash } from 'node:crypto';
import { lstatSync, openSync, closeSync, readSync, readdirSync } from 'node:fs';
import type { BuildJob } from '../builder/index.ts';
import type { Lease } from '../content/index.ts';
import { familiarReference, formatPlatform, parseReference, type Platform, withDefaultTag } from '../model/index.ts';
import { withMounted } from '../snapshot/index.ts';
import type { Attestation, ProvenanceInput, Subject } from './attest/index.ts';
import type { BuildOutcome } from './build.ts';
import type { Engine } from './engine.ts';
import { viewOf } from './outputs.ts';

/** An image of a build, and what it is for. */
export interface Built extends BuildOutcome {
  readonly platform: Platform;
}

export interface Statements {
  readonly sbom: boolean;
  readonly provenance?: ProvenanceWish;
}

export interface ProvenanceWish {
  readonly mode: 'min' | 'max';
  readonly version: 'v0.2' | 'v1';
  readonly builderId?: string;
}

/** Package URLs of the names (package-url.github.io, type docker). */
export function subjectNames(names: readonly string[], { platform }: Built): string[] {
  const tail = `?platform=${encodeURIComponent(formatPlatform(platform))}`;
  if (names.length === 0) return [`pkg:docker/image${tail}`];
  return names.map((name) => {
    const ref = withDefaultTag(parseReference(name));
    return `pkg:docker/${familiarReference({ domain: ref.domain, path: ref.path })}@${ref.tag ?? ref.digest}${tail}`;
  });
}

export async function attestationsOf(
  engine: Engine,
  request: BuildJob,
  wish: Statements,
  b: Built,
  names: readonly string[],
  lease: Lease,
): Promise<Attestation[]> {
  const found: Attestation[] = [];
  if (!wish.sbom && wish.provenance === undefined) return found;
  const { scan, SPDX, spdxDocument } = await import('./attest/index.ts');
  if (wish.sbom) {
    const packages = withMounted(engine.layout, await viewOf(engine, b.result.image, lease), scan);
    const created = request.sourceDateEpoch === undefined ? engine.now() : request.sourceDateEpoch * 1000;
    found.push({ predicateType: SPDX, predicate: spdxDocument(names[0] ?? b.result.image.id, packages, created) });
  }
  if (wish.provenance !== undefined) found.push(await provenanceOf(request, b, wish.provenance));
  return found;
}

export function provenanceInput(request: BuildJob, b: Built, { mode, builderId }: ProvenanceWish): ProvenanceInput {
  const { platform, ref, startedAt, finishedAt } = b;
  const { sources, steps } = b.result.describe?.() ?? { sources: [], steps: [] };
  return { request, platform, sources, steps, ref, startedAt, finishedAt, mode, ...(builderId !== undefined && { builderId }) };
}

async function provenanceOf(request: BuildJob, b: Built, wish: ProvenanceWish): Promise<Attestation> {
  const { provenance, provenanceV1, SLSA, SLSA_V1 } = await import('./attest/index.ts');
  const input = provenanceInput(request, b, wish);
  return wish.version === 'v1'
    ? { predicateType: SLSA_V1, predicate: provenanceV1(input) }
    : { predicateType: SLSA, predicate: provenance(input) };
}

/** Statements as files, in BuildKit's names. They are about the files that they lie beside. @param mark of the platform, where all lie in one folder */
export async function statementFiles(
  statements: readonly Attestation[],
  subjects: readonly Subject[],
  prefix: string,
  mark: string | undefined,
): Promise<{ name: string; content: Buffer }[]> {
  if (statements.length === 0) return [];
  const { statement, SPDX } = await import('./attest/index.ts');
  return statements.map((s) => {
    const [stem, extension] = s.predicateType === SPDX ? ['sbom.spdx', 'json'] : ['provenance', 'json'];
    const name = `${prefix}${stem}${mark === undefined ? '' : `.${mark}`}.${extension}`;
    return { name, content: Buffer.from(`${JSON.stringify(statement(s, subjects), null, 2)}\n`) };
  });
}

/** All regular files below a folder, with their digests. Synchronous: the folder is a mount. */
export function filesOf(root: string): Subject[] {
  const found: Subject[] = [];
  const walk = (rel: string): void => {
    for (const name of readdirSync(rel === '' ? root : `${root}/${rel}`).sort()) {
      const path = rel === '' ? name : `${rel}/${name}`;
      const stat = lstatSync(`${root}/${path}`, { throwIfNoEntry: false });
      if (stat?.isDirectory()) walk(path);
      else if (stat?.isFile()) found.push({ name: path, digest: digestOfFile(`${root}/${path}`) });
    }
  };
  walk('');
  return found;
}

function digestOfFile(path: string): Subject['digest'] {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(1 << 20);
  const fd = openSync(path, 'r');
  try {
    for (let n; (n = readSync(fd, buffer)) > 0;) hash.update(buffer.subarray(0, n));
  } finally {
    closeSync(fd);
  }
  return `sha256:${hash.digest('hex')}`;
}
