// What is said when the tools that make a root file system fail, from what they write.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure } from './rootfs.ts';

/** What mmdebstrap 1.5 writes on a machine without a network, with a password in the address. */
const UNREACHABLE = `I: running apt-get update...
Err:1 http://packages.example/debian bookworm InRelease
  Temporary failure resolving 'packages.example'
Reading package lists...
E: Failed to fetch http://user:word@packages.example/debian/dists/bookworm/InRelease  Temporary failure resolving 'packages.example'
E: Some index files failed to download. They have been ignored, or old ones used instead.
E: apt-get update --error-on=any -oAPT::Status-Fd=<$fd> -oDpkg::Use-Pty=false failed
I: main() received signal PIPE: waiting for setup...
E: mmdebstrap failed to run`;

test('packages that cannot be fetched: from where, why, and what to do', () => {
  const e = failure('mmdebstrap could not make debian', UNREACHABLE.split('\n'));
  assert.equal(e.kind, 'unavailable');
  assert.equal(e.message, "Debian's packages cannot be fetched from packages.example: Temporary failure resolving 'packages.example'");
  assert.match(e.hints.join('\n'), /apt-get update must work here[^]*slipway load -i FILE here/);
});

test('else the first error of the tool is the reason, or its last line', () => {
  const of = (...lines: string[]): string => failure('mmdebstrap could not make debian', lines).message;
  assert.equal(of('I: begun', 'E: no room left', 'E: mmdebstrap failed to run'), 'mmdebstrap could not make debian: no room left');
  assert.equal(of('I: begun', 'killed'), 'mmdebstrap could not make debian: killed');
  assert.equal(of(), 'mmdebstrap could not make debian: it gave no reason');
});
