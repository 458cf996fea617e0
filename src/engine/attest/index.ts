// Statements about an image, in the form that BuildKit attaches them: in-toto statements as layers of a manifest of their own,
// which the list names beside the image (docs.docker.com/build/metadata/attestations/attestation-storage).
import type { Lease } from '../../content/index.ts';
import { type Descriptor, digestHex, encodeJson, type Manifest, MediaType } from '../../model/index.ts';
import type { CopyTarget } from '../../registry/index.ts';
import type { Engine } from '../engine.ts';
import { sendBytes, sendManifest } from '../ship.ts';

export { definition, provenance, type ProvenanceInput, provenanceV1, SLSA, SLSA_V1 } from './provenance.ts';
export { scan, SPDX, spdxDocument } from './sbom.ts';

export interface Attestation {
  readonly predicateType: string;
  readonly predicate: object;
}

/** What a statement is about. */
export interface Subject {
  readonly name: string;
  readonly digest: Descriptor['digest'];
}

const IN_TOTO = 'application/vnd.in-toto+json';

export function statement(a: Attestation, subjects: readonly Subject[]): object {
  return {
    _type: 'https://in-toto.io/Statement/v0.1',
    predicateType: a.predicateType,
    subject: subjects.map(({ name, digest }) => ({ name, digest: { sha256: digestHex(digest) } })),
    predicate: a.predicate,
  };
}

/** Sends the statements about an image; the entry of the list for them. */
export async function sendAttestations(
  engine: Engine,
  target: CopyTarget,
  image: Descriptor,
  names: readonly string[],
  attestations: readonly Attestation[],
  lease: Lease,
): Promise<Descriptor> {
  const subjects = names.map((name) => ({ name, digest: image.digest }));
  const layers: Descriptor[] = [];
  for (const a of attestations) {
    const { descriptor } = await sendBytes(engine, target, IN_TOTO, encodeJson(statement(a, subjects)), lease);
    layers.push({ ...descriptor, annotations: { 'in-toto.io/predicate-type': a.predicateType } });
  }
  const unknown = { architecture: 'unknown', os: 'unknown' };
  const config = { ...unknown, config: {}, rootfs: { type: 'layers', diff_ids: layers.map((l) => l.digest) } };
  const { descriptor } = await sendBytes(engine, target, MediaType.ociConfig, encodeJson(config), lease);
  const manifest: Manifest = { schemaVersion: 2, mediaType: MediaType.ociManifest, config: descriptor, layers };
  return {
    ...(await sendManifest(target, manifest, MediaType.ociManifest, false)),
    platform: unknown,
    annotations: { 'vnd.docker.reference.digest': image.digest, 'vnd.docker.reference.type': 'attestation-manifest' },
  };
}
