// Manifests, indexes, configurations, caches and answers of registries as JSON that is nearly right.
import { parseTravelConfig } from '../../../src/engine/travel/format.ts';
import { parseImageConfig, parseIndex, parseJsonValue, parseManifest, sha256, sniffMediaType } from '../../../src/model/index.ts';
import { parseServerErrors } from '../../../src/registry/errors.ts';
import { broken } from '../grammar.ts';
import { asBytes, type Target, typed } from '../target.ts';

const digest = sha256('x');
const DOCUMENTS = [
  { schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', config: { mediaType: 'c', digest, size: 1 }, layers: [] },
  { schemaVersion: 2, manifests: [{ mediaType: 'm', digest, size: 2, platform: { os: 'linux', architecture: 'arm', variant: 'v7' } }] },
  { architecture: 'amd64', os: 'linux', config: { Env: ['A=b'], Labels: { a: 'b' } }, rootfs: { type: 'layers', diff_ids: [digest] } },
  {
    version: 1,
    layers: [{ diffId: digest, below: -1 }],
    records: [],
    aliases: { ['0'.repeat(64)]: { key: '1'.repeat(64), parts: [] } },
    mounts: [],
  },
].map((value) => JSON.stringify(value));

const PARSERS = [parseManifest, parseIndex, parseImageConfig, parseServerErrors, sniffMediaType] as const;

export const target: Target = {
  make: (r) => broken(r.of(DOCUMENTS), r),
  attempt: (input) => {
    const document = asBytes(input);
    for (const parse of PARSERS) typed(() => parse(document));
    typed(() => parseTravelConfig(parseJsonValue(document, 'cache.invalid', 'cache')));
  },
};
