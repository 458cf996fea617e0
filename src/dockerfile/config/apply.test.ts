import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerConfig } from '../../model/index.ts';
import { parseInstruction } from '../stages.ts';
import { applyToConfig, type ConfigInstruction, type ConfigRules } from './apply.ts';

const apply = (config: ContainerConfig, line: string, rules: Partial<ConfigRules> = {}): ContainerConfig =>
  applyToConfig(config, parseInstruction(line) as ConfigInstruction, {
    engine: 'graph',
    shell: ['/bin/sh', '-c'],
    cmdSet: false,
    ...rules,
  });

test('an ENTRYPOINT takes the command of the image away, and not that of the same stage', () => {
  const config = { Cmd: ['a'] };
  assert.deepEqual(apply(config, 'ENTRYPOINT ["/x"]'), { Entrypoint: ['/x'], Cmd: null });
  assert.deepEqual(apply(config, 'ENTRYPOINT run it', { cmdSet: true }), { Entrypoint: ['/bin/sh', '-c', 'run it'], Cmd: ['a'] });
  assert.deepEqual(apply({}, 'ENTRYPOINT []', { engine: 'classic' }).Entrypoint, []);
  assert.deepEqual(apply({}, 'CMD', { engine: 'classic' }).Cmd, ['/bin/sh', '-c']);
  assert.deepEqual(apply({}, 'CMD').Cmd, ['/bin/sh', '-c', '']);
});

test('variables are replaced in place, maps have their keys in order', () => {
  assert.deepEqual(apply({ Env: ['A=1', 'B=2'] }, 'ENV A=3 C=4').Env, ['A=3', 'B=2', 'C=4']);
  assert.deepEqual(Object.keys(apply({ Labels: { b: '' } }, 'LABEL c=1 a=2').Labels ?? {}), ['a', 'b', 'c']);
  assert.deepEqual(Object.keys(apply({ ExposedPorts: { '9/tcp': {} } }, 'EXPOSE 8 10/udp').ExposedPorts ?? {}), [
    '10/udp',
    '8/tcp',
    '9/tcp',
  ]);
  assert.deepEqual(apply({ OnBuild: ['RUN a'] }, 'ONBUILD RUN b').OnBuild, ['RUN a', 'RUN b']);
});

test('what no image can have is refused', () => {
  assert.throws(() => apply({}, 'STOPSIGNAL SIGNOTHING'), { code: 'stopsignal.invalid' });
  // as a variable without a value leaves it
  const emptied = { ...(parseInstruction('VOLUME x') as Extract<ConfigInstruction, { kind: 'VOLUME' }>), paths: [''] };
  assert.throws(() => applyToConfig({}, emptied, { engine: 'graph', shell: [], cmdSet: false }), { code: 'volume.empty' });
  assert.throws(() => apply({}, 'EXPOSE http'), { code: 'expose.invalid' });
});
