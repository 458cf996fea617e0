import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rebasedConfig } from './rebase-config.ts';

test('what came from the old base comes from the new one, what is of the image stays', () => {
  const from = {
    Env: ['PATH=/bin', 'JAVA=11.0.5', 'GONE=1', 'KEPT=base'],
    Cmd: ['sh'],
    WorkingDir: '/',
    Labels: { v: '1', a: 'x' },
    User: 'old',
  };
  const onto = {
    Env: ['PATH=/bin:/sbin', 'JAVA=11.0.6', 'NEW=1', 'KEPT=base2'],
    Cmd: ['bash'],
    WorkingDir: '/srv',
    Labels: { v: '2' },
    StopSignal: 'INT',
  };
  const image = {
    Env: ['PATH=/app:/bin', 'JAVA=11.0.5', 'GONE=1', 'KEPT=mine', 'OWN=yes'],
    Cmd: ['/app/run'],
    WorkingDir: '/',
    Labels: { v: '1', a: 'x', own: 'y' },
    User: 'app',
    ExposedPorts: { '80/tcp': {} },
  };
  assert.deepEqual(rebasedConfig(image, from, onto), {
    Env: ['PATH=/app:/bin:/sbin', 'JAVA=11.0.6', 'NEW=1', 'KEPT=mine', 'OWN=yes'],
    Cmd: ['/app/run'],
    WorkingDir: '/srv',
    Labels: { v: '2', own: 'y' },
    StopSignal: 'INT',
    User: 'app',
    ExposedPorts: { '80/tcp': {} },
  });
});

test('a base that is the same changes nothing', () => {
  const base = { Env: ['PATH=/bin', 'A=1'], Cmd: ['sh'], Labels: { x: '1' } };
  const image = { Env: ['PATH=/bin', 'A=2', 'B=3'], Entrypoint: ['/run'], Cmd: null, Labels: { x: '1', y: '2' } };
  assert.deepEqual(rebasedConfig(image, base, base), image);
});
