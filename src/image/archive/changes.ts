// `--change` of import and commit: single instructions of a Dockerfile that alter an image's settings.
import { posix } from 'node:path';
import { expandInstruction, parseInstruction } from '../../dockerfile/index.ts';
import type { Command, Instruction } from '../../dockerfile/index.ts';
import { SlipwayError } from '../../model/index.ts';
import type { ContainerConfig } from '../../model/index.ts';

/** The settings after these instructions, in order. @throws SlipwayError `change.invalid`, or what the language says of the line. */
export function applyChanges(config: ContainerConfig, changes: readonly string[]): ContainerConfig {
  let now = config;
  for (const line of changes) {
    const variables = new Map((now.Env ?? []).map((entry) => [entry.split('=', 1)[0]!, entry.slice(entry.indexOf('=') + 1)]));
    const { instruction } = expandInstruction<Instruction>(parseInstruction(line), variables);
    now = { ...now, ...changeOf(now, instruction) };
  }
  return now;
}

function changeOf(config: ContainerConfig, i: Instruction): ContainerConfig {
  switch (i.kind) {
    case 'CMD':
      return { Cmd: commandOf(i.command, config) };
    case 'ENTRYPOINT':
      return { Entrypoint: commandOf(i.command, config) };
    case 'ENV':
      return { Env: i.pairs.reduce((env, { key, value }) => withVariable(env, key, value), config.Env ?? []) };
    case 'EXPOSE':
      return { ExposedPorts: { ...config.ExposedPorts, ...keys(i.ports.flatMap(exposedPorts)) } };
    case 'HEALTHCHECK':
      return { Healthcheck: i.health };
    case 'LABEL':
      return { Labels: { ...config.Labels, ...Object.fromEntries(i.pairs.map(({ key, value }) => [key, value])) } };
    case 'ONBUILD':
      return { OnBuild: [...(config.OnBuild ?? []), i.expression] };
    case 'STOPSIGNAL':
      return { StopSignal: i.signal };
    case 'USER':
      return { User: i.user };
    case 'VOLUME':
      return { Volumes: { ...config.Volumes, ...keys(i.paths) } };
    case 'WORKDIR':
      return { WorkingDir: posix.resolve('/', config.WorkingDir ?? '/', i.path) };
    default:
      throw new SlipwayError('invalid-argument', 'change.invalid', `${i.kind} is not a valid change command`, {
        hints: ['CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME and WORKDIR are'],
      });
  }
}

function commandOf(command: Command, config: ContainerConfig): string[] {
  const shell = config.Shell === undefined || config.Shell.length === 0 ? ['/bin/sh', '-c'] : config.Shell;
  return command.shell ? [...shell, ...command.args] : [...command.args];
}

function withVariable(env: readonly string[], key: string, value: string): string[] {
  const at = env.findIndex((entry) => entry.startsWith(`${key}=`));
  return at < 0 ? [...env, `${key}=${value}`] : env.with(at, `${key}=${value}`);
}

function keys(names: readonly string[]): Record<string, Record<string, never>> {
  return Object.fromEntries(names.map((name) => [name, {}]));
}

/** `8000-8002/udp` as the keys of a configuration. */
function exposedPorts(word: string): string[] {
  const [, from, to, protocol = 'tcp'] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(word) ?? [];
  const [start, end] = [Number(from), Number(to ?? from)];
  if (from === undefined || start > 65_535 || end > 65_535 || end < start)
    throw new SlipwayError('invalid-argument', 'change.invalid', `invalid port in EXPOSE: ${word}`);
  return Array.from({ length: end - start + 1 }, (_, n) => `${start + n}/${protocol.toLowerCase()}`);
}
