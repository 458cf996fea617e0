// Files of tests: Slipway's own form, and that of container-structure-test (github.com/GoogleContainerTools/container-structure-test).
import { DEFAULT_TIMEOUT, member, NOTHING, PLAIN } from './plain.ts';
import { readStructureTests } from './structure.ts';
import type { Expectation, ImageTest } from './types.ts';
import { Value } from './yaml.ts';

/** @param file what the text is called in errors. @throws SlipwayError `test.invalid` with the line */
export function parseImageTests(text: string, file: string): ImageTest[] {
  const value = Value.parse(text, file);
  if (!value.isMap) value.fail('is no file of tests: a map is expected');
  if (value.members().has('schemaVersion')) return readStructureTests(value);
  const top = value.members(['files', 'commands', 'image', 'limits', 'no-setuid', 'no-packages']);
  const tests: ImageTest[] = [
    ...[...(top.get('files')?.members() ?? [])].map(([path, v]) => fileTest(path, v)),
    ...(top.get('commands')?.list() ?? []).map(commandTest),
    ...imageTests(top.get('image')),
    ...limitTests(top.get('limits')),
  ];
  const setuid = top.get('no-setuid');
  if (setuid?.isList || setuid?.isMap) {
    const except = setuid.isMap ? (setuid.members(['except']).get('except')?.texts() ?? []) : setuid.fail('is neither true nor a map');
    tests.push({ kind: 'setuid', name: 'no setuid files', except });
  } else if (setuid?.truth()) tests.push({ kind: 'setuid', name: 'no setuid files', except: [] });
  const packages = top.get('no-packages')?.texts() ?? [];
  if (packages.length > 0) tests.push({ kind: 'packages', name: `no packages: ${packages.join(', ')}`, packages });
  if (tests.length === 0) value.fail('has no tests');
  return tests;
}

/** People think of lines, as grep does. */
const BY_LINE = { lines: true } as const;

function fileTest(path: string, value: Value): ImageTest {
  if (!path.startsWith('/')) value.fail('a path begins with /');
  const base = { kind: 'file', name: `file ${path}`, path } as const;
  if (!value.isMap) {
    const exists = value.oneOf(['present', 'absent']) === 'present';
    return { ...base, exists, ...NOTHING };
  }
  const o = value.members(['type', 'mode', 'owner', 'contains', 'lacks']);
  const type = o.get('type')?.oneOf(['file', 'directory', 'link'] as const);
  const owner = o.get('owner')?.text();
  const mode = o.get('mode');
  const bits = mode?.text();
  if (bits !== undefined && !/^0?o?[0-7]{3,4}$/.test(bits)) mode?.fail(`'${bits}' is no mode in octal, such as 0755`);
  return {
    ...base,
    exists: true,
    ...(type && { type }),
    ...(bits !== undefined && { mode: Number.parseInt(bits.replace('o', ''), 8) }),
    ...(owner !== undefined && { owner }),
    matches: o.get('contains')?.patterns(BY_LINE) ?? [],
    lacks: o.get('lacks')?.patterns(BY_LINE) ?? [],
  };
}

function expectation(value: Value | undefined): Expectation {
  if (value === undefined) return NOTHING;
  if (!value.isMap) return { matches: value.patterns(BY_LINE), lacks: [] };
  const o = value.members(['matches', 'lacks']);
  return { matches: o.get('matches')?.patterns(BY_LINE) ?? [], lacks: o.get('lacks')?.patterns(BY_LINE) ?? [] };
}

/** A list is run as it is, a text by the shell of the image. */
const argsOf = (value: Value): string[] => (value.isList ? value.texts() : ['/bin/sh', '-c', value.text()]);

const keyValues = (value: Value | undefined): string[] => [...(value?.members() ?? [])].map(([key, v]) => `${key}=${v.text()}`);

function commandTest(value: Value): ImageTest {
  const o = value.members(['name', 'run', 'setup', 'env', 'user', 'workdir', 'exit', 'stdout', 'stderr', 'timeout']);
  const run = o.get('run') ?? value.fail('says nothing to run');
  const args = argsOf(run);
  if (args.length === 0) run.fail('is empty');
  const [user, workdir] = [o.get('user')?.text(), o.get('workdir')?.text()];
  const timeout = o.get('timeout')?.whole() ?? DEFAULT_TIMEOUT;
  if (timeout === 0 || timeout > 86_400) o.get('timeout')?.fail('seconds, from 1 to 86400');
  return {
    ...PLAIN,
    name: `command ${o.get('name')?.text() ?? (run.isList ? args.join(' ') : run.text())}`,
    args,
    setup: (o.get('setup')?.list() ?? []).map(argsOf),
    env: keyValues(o.get('env')),
    ...(user !== undefined && { user }),
    ...(workdir !== undefined && { workdir }),
    exitCode: o.get('exit')?.whole() ?? 0,
    stdout: expectation(o.get('stdout')),
    stderr: expectation(o.get('stderr')),
    timeout,
  };
}

function imageTests(value: Value | undefined): ImageTest[] {
  const o = value?.members(['user', 'workdir', 'stop-signal', 'entrypoint', 'cmd', 'env', 'labels', 'ports', 'volumes']) ?? new Map();
  return [...o].flatMap(([key, v]: [string, Value]): ImageTest[] => {
    switch (key) {
      case 'user':
      case 'workdir':
      case 'stop-signal':
        return [{ kind: 'setting', name: key, setting: key, value: v.text() }];
      case 'entrypoint':
      case 'cmd':
        return [{ kind: 'setting', name: key, setting: key, value: v.texts() }];
      case 'env':
      case 'labels':
        return [...v.members()].map(([name, wanted]) => ({
          kind: 'entry',
          name: `${key === 'env' ? 'variable' : 'label'} ${name}`,
          of: key,
          key: name,
          value: wanted.text(),
          regular: false,
        }));
      default:
        return v.texts().map((name) => member(key === 'ports' ? 'ports' : 'volumes', name, true));
    }
  });
}

function limitTests(value: Value | undefined): ImageTest[] {
  const o = value?.members(['size', 'layers']);
  const tests: ImageTest[] = [];
  const size = o?.get('size');
  if (size) {
    const most = bytesOf(size.text()) ?? size.fail(`'${size.text()}' is no size, such as 20MB`);
    tests.push({ kind: 'limit', name: `size at most ${size.text()}`, of: 'size', most });
  }
  const layers = o?.get('layers');
  if (layers)
    tests.push({
      kind: 'limit',
      name: `at most ${layers.text()} layer${layers.text() === '1' ? '' : 's'}`,
      of: 'layers',
      most: layers.whole(),
    });
  return tests;
}

const UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, KB: 1e3, MB: 1e6, GB: 1e9, KIB: 1 << 10, MIB: 1 << 20, GIB: 1 << 30 };

/** In the units in which `slipway images` shows sizes: a kB is 1000 bytes. */
function bytesOf(text: string): number | undefined {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text) ?? [];
  const factor = Object.hasOwn(UNITS, unit.toUpperCase()) ? UNITS[unit.toUpperCase()] : undefined;
  return number === '' || factor === undefined ? undefined : Math.floor(Number(number) * factor);
}
