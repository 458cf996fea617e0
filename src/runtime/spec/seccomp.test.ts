// Profiles from files: only what is a file is read.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seccompFor } from './seccomp.ts';

test('a profile as JSON', () => {
  assert.equal(seccompFor('{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[]}', [], '6.1.0').defaultAction, 'SCMP_ACT_ALLOW');
  assert.throws(() => seccompFor('{', [], '6.1.0'), { code: 'container.seccomp-profile', message: /^decoding seccomp profile failed: / });
});

test('a profile that is no file, or has no end, is refused', () => {
  for (const [path, message] of [
    ['/dev/zero', /^opening seccomp profile \(\/dev\/zero\) failed: not a regular file$/],
    ['/nonexistent', /^opening seccomp profile \(\/nonexistent\) failed: ENOENT/],
  ] as const)
    assert.throws(() => seccompFor(path, [], '6.1.0'), { code: 'container.seccomp-profile', message });
});
