import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ruleFor } from './rules.ts';
import { plainInstruction } from './steps.ts';

const CASES: readonly (readonly [path: string, what: string | undefined])[] = [
  ['/usr/lib/go-1.19/bin/go', 'Go toolchain'],
  ['/usr/local/go/src/fmt/print.go', 'Go toolchain'],
  ['/usr/bin/x86_64-linux-gnu-gcc-12', 'GCC'],
  ['/usr/lib/x86_64-linux-gnu/libgcc_s.so.1', undefined],
  ['/usr/lib/gcc/x86_64-linux-gnu/12/cc1', 'GCC'],
  ['/usr/lib/jvm/java-17-openjdk-amd64/bin/javac', 'Java development kit'],
  ['/usr/lib/jvm/java-17-openjdk-amd64/bin/java', undefined],
  ['/app/node_modules/typescript/lib/tsc.js', 'TypeScript'],
  ['/app/node_modules/express/index.js', undefined],
  ['/app/src/parse.test.ts', 'test files'],
  ['/app/latest.js', undefined],
  ['/home/me/.cache/pip/http/1', 'cache of pip'],
  ['/var/lib/apt/lists/x', 'package lists of apt'],
  ['/usr/include/stdio.h', 'headers'],
  ['/usr/lib/x86_64-linux-gnu/libc.a', 'static libraries'],
  ['/app/.git/objects/00/11', 'history of Git'],
  ['/usr/lib/python3/dist-packages/pip/__main__.py', 'pip'],
  ['/etc/passwd', undefined],
];

for (const [path, what] of CASES) test(path, () => assert.equal(ruleFor(path)?.what, what));

test('instructions of history, whichever engine wrote them', () => {
  assert.equal(plainInstruction('RUN /bin/sh -c make # buildkit'), 'RUN make');
  assert.equal(plainInstruction('RUN |1 A=b /bin/sh -c make # buildkit'), 'RUN make');
  assert.equal(plainInstruction('/bin/sh -c #(nop) COPY file:1 in / '), 'COPY file:1 in /');
  assert.equal(plainInstruction('COPY a b # buildkit'), 'COPY a b');
});
