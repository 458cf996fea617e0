// Names of images, digests, platforms, ports, volumes, limits, durations: short texts that users and files hold.
import assert from 'node:assert/strict';
import { parseVolume } from '../../../src/container/index.ts';
import {
  DEFAULT_DOMAIN,
  familiarReference,
  formatReference,
  parsePlatform,
  parseReference,
  parseUlimit,
} from '../../../src/model/index.ts';
import { parseExposed, parsePortSpec } from '../../../src/network/port-spec.ts';
import { parseBytes, parseDuration } from '../../../src/util/index.ts';
import { broken } from '../grammar.ts';
import { asText, type Target, typed } from '../target.ts';

const TEXTS = [
  'busybox',
  'docker.io/library/busybox:latest',
  `[::1]:5000/a/b_c__d-e.f:v1@sha256:${'0'.repeat(64)}`,
  `sha256:${'a'.repeat(64)}`,
  'linux/arm64/v8',
  'linux(10.0.1)/arm/v7',
  '127.0.0.1:8000-8010:80-90/tcp',
  '[::1]:80:80',
  '/a:/b:ro,z',
  'nofile=10:20',
  '1h2m3.5s',
  '12.5GiB',
];

export const target: Target = {
  make: (r) => broken(r.of(TEXTS), r),
  attempt: (input) => {
    const text = asText(input);
    const reference = typed(() => parseReference(text));
    if (reference !== undefined) {
      assert.deepEqual(parseReference(formatReference(reference)), reference);
      // Docker's short form of docker.io/a.b/c is a.b/c, which reads as another registry.
      if (reference.domain !== DEFAULT_DOMAIN) assert.deepEqual(parseReference(familiarReference(reference)), reference);
    }
    for (const parse of [parsePlatform, parsePortSpec, parseExposed, parseVolume, parseUlimit, parseBytes, parseDuration])
      typed(() => parse(text));
  },
};
