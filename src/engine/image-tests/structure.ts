// Files of container-structure-test, schema 2.0.0, as its README describes them.
import { member, PLAIN } from './plain.ts';
import type { ImageTest } from './types.ts';
import type { Value } from './yaml.ts';

const TOP = [
  'schemaVersion',
  'globalEnvVars',
  'commandTests',
  'fileExistenceTests',
  'fileContentTests',
  'metadataTest',
  'licenseTests',
  'containerRunOptions',
];

/** @throws SlipwayError `test.invalid` with the line, also for what cannot be tested here */
export function readStructureTests(value: Value): ImageTest[] {
  const o = value.members(TOP);
  const version = o.get('schemaVersion');
  if (version?.text() !== '2.0.0') version?.fail('only 2.0.0 is read');
  o.get('licenseTests')?.fail('licenses are not read from images; slipway build --sbom lists packages with theirs');
  const shared = { ...runOptions(o.get('containerRunOptions')), env: pairs(o.get('globalEnvVars')) };
  return [
    ...(o.get('commandTests')?.list() ?? []).map((v) => commandTest(v, shared)),
    ...(o.get('fileExistenceTests')?.list() ?? []).map(existenceTest),
    ...(o.get('fileContentTests')?.list() ?? []).map(contentTest),
    ...metadataTests(o.get('metadataTest')),
  ];
}

interface Shared {
  readonly env: readonly string[];
  readonly user?: string;
  readonly privileged: boolean;
  readonly capabilities: readonly string[];
}

function runOptions(value: Value | undefined): Omit<Shared, 'env'> {
  const o = value?.members(['user', 'privileged', 'allocateTty', 'envFile', 'envVars', 'capabilities', 'bindMounts']);
  for (const key of ['envFile', 'envVars', 'bindMounts'])
    o?.get(key)?.fail('a test has nothing of the machine that it runs on: globalEnvVars and envVars of a test set variables');
  if (o?.get('allocateTty')?.truth() === true) o.get('allocateTty')?.fail('output is read through pipes');
  const user = o?.get('user')?.text();
  return {
    ...(user !== undefined && { user }),
    privileged: o?.get('privileged')?.truth() ?? false,
    capabilities: o?.get('capabilities')?.texts() ?? [],
  };
}

const pairs = (value: Value | undefined): string[] =>
  (value?.list() ?? []).map((item) => {
    const o = item.members(['key', 'value', 'isRegex']);
    return `${o.get('key')?.text() ?? item.fail('has no key')}=${o.get('value')?.text() ?? ''}`;
  });

const named = (o: ReadonlyMap<string, Value>, value: Value): string => o.get('name')?.text() ?? value.fail('has no name');

function commandTest(value: Value, shared: Shared): ImageTest {
  const keys = ['name', 'setup', 'teardown', 'command', 'args', 'envVars', 'exitCode'];
  const o = value.members([...keys, 'expectedOutput', 'excludedOutput', 'expectedError', 'excludedError']);
  const patterns = (key: string): string[] => o.get(key)?.patterns() ?? [];
  const sequences = (key: string): string[][] => (o.get(key)?.list() ?? []).map((command) => command.texts());
  return {
    ...PLAIN,
    ...shared,
    name: `command ${named(o, value)}`,
    args: [o.get('command')?.text() ?? value.fail('has no command'), ...(o.get('args')?.texts() ?? [])],
    setup: sequences('setup'),
    teardown: sequences('teardown'),
    env: [...shared.env, ...pairs(o.get('envVars'))],
    exitCode: o.get('exitCode')?.whole() ?? 0,
    stdout: { matches: patterns('expectedOutput'), lacks: patterns('excludedOutput') },
    stderr: { matches: patterns('expectedError'), lacks: patterns('excludedError') },
  };
}

function existenceTest(value: Value): ImageTest {
  const o = value.members(['name', 'path', 'shouldExist', 'permissions', 'uid', 'gid', 'isExecutableBy']);
  const permissions = o.get('permissions')?.text();
  if (permissions !== undefined && !/^[-dlbcps][-rwxsStT]{9}$/.test(permissions)) o.get('permissions')?.fail('such as -rwxr-xr-x');
  const [uid, gid] = [o.get('uid')?.whole(), o.get('gid')?.whole()];
  const executableBy = o.get('isExecutableBy')?.oneOf(['owner', 'group', 'other', 'any'] as const);
  return {
    kind: 'file',
    name: `file ${named(o, value)}`,
    path: pathOf(o, value),
    exists: o.get('shouldExist')?.truth() ?? true,
    ...(permissions !== undefined && { permissions }),
    ...((uid !== undefined || gid !== undefined) && { owner: `${uid ?? ''}${gid === undefined ? '' : `:${gid}`}` }),
    ...(executableBy && { executableBy }),
    matches: [],
    lacks: [],
  };
}

function contentTest(value: Value): ImageTest {
  const o = value.members(['name', 'path', 'expectedContents', 'excludedContents']);
  return {
    kind: 'file',
    name: `content ${named(o, value)}`,
    path: pathOf(o, value),
    exists: true,
    matches: o.get('expectedContents')?.patterns() ?? [],
    lacks: o.get('excludedContents')?.patterns() ?? [],
  };
}

const pathOf = (o: ReadonlyMap<string, Value>, value: Value): string => o.get('path')?.text() ?? value.fail('has no path');

function metadataTests(value: Value | undefined): ImageTest[] {
  const keys = ['envVars', 'env', 'labels', 'exposedPorts', 'unexposedPorts', 'volumes', 'unmountedVolumes', 'entrypoint', 'cmd'];
  const o = value?.members([...keys, 'workdir', 'user']) ?? new Map();
  return [...o].flatMap(([key, v]: [string, Value]): ImageTest[] => {
    switch (key) {
      case 'envVars':
      case 'env':
      case 'labels':
        return v.list().map((item) => entry(key === 'labels' ? 'labels' : 'env', item));
      case 'exposedPorts':
      case 'unexposedPorts':
        return v.texts().map((port) => member('ports', port, key === 'exposedPorts'));
      case 'volumes':
      case 'unmountedVolumes':
        return v.texts().map((path) => member('volumes', path, key === 'volumes'));
      case 'entrypoint':
      case 'cmd':
        return [{ kind: 'setting', name: key, setting: key, value: v.texts() }];
      default:
        return [{ kind: 'setting', name: key, setting: key === 'user' ? 'user' : 'workdir', value: v.text() }];
    }
  });
}

function entry(of: 'env' | 'labels', value: Value): ImageTest {
  const o = value.members(['key', 'value', 'isRegex']);
  const key = o.get('key')?.text() ?? value.fail('has no key');
  const regular = o.get('isRegex')?.truth() ?? false;
  const wanted = o.get('value');
  return {
    kind: 'entry',
    name: `${of === 'env' ? 'variable' : 'label'} ${key}`,
    of,
    key,
    value: (regular ? wanted?.patterns()[0] : wanted?.text()) ?? '',
    regular,
  };
}
