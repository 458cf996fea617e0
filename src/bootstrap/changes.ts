// `--change` and the settings of a stand-in: Dockerfile instructions applied to a configuration without a build.
import { parseInstruction } from '../dockerfile/index.ts';
import { type ContainerConfig, SlipwayError } from '../model/index.ts';

/** @throws SlipwayError of the language, or `change.unsupported` for an instruction that needs a build. */
export function applyChanges(lines: readonly string[]): ContainerConfig {
  let config: ContainerConfig = {};
  for (const line of lines) config = { ...config, ...changeOf(config, line) };
  return config;
}

function changeOf(config: ContainerConfig, line: string): ContainerConfig {
  const i = parseInstruction(line);
  const command = (c: { args: readonly string[]; shell: boolean }): string[] => (c.shell ? ['/bin/sh', '-c', ...c.args] : [...c.args]);
  switch (i.kind) {
    case 'ENV': {
      const env = new Map((config.Env ?? []).map((e) => [e.slice(0, e.indexOf('=')), e]));
      for (const p of i.pairs) env.set(p.key, `${p.key}=${p.value}`);
      return { Env: [...env.values()] };
    }
    case 'LABEL':
      return { Labels: { ...config.Labels, ...Object.fromEntries(i.pairs.map((p) => [p.key, p.value])) } };
    case 'CMD':
      return { Cmd: command(i.command) };
    case 'ENTRYPOINT':
      return { Entrypoint: command(i.command) };
    case 'EXPOSE':
      return { ExposedPorts: { ...config.ExposedPorts, ...Object.fromEntries(i.ports.map((p) => [p.includes('/') ? p : `${p}/tcp`, {}])) } };
    case 'STOPSIGNAL':
      return { StopSignal: i.signal };
    case 'USER':
      return { User: i.user };
    case 'VOLUME':
      return { Volumes: { ...config.Volumes, ...Object.fromEntries(i.paths.map((p) => [p, {}])) } };
    case 'WORKDIR':
      return { WorkingDir: i.path };
    case 'ONBUILD':
      return { OnBuild: [...(config.OnBuild ?? []), i.expression] };
    case 'HEALTHCHECK':
      return { Healthcheck: i.health };
    default:
      throw new SlipwayError('invalid-argument', 'change.unsupported', `${i.kind} is not a valid change command`, {
        hints: ['ENV, LABEL, CMD, ENTRYPOINT, EXPOSE, STOPSIGNAL, USER, VOLUME, WORKDIR, ONBUILD and HEALTHCHECK can be given'],
      });
  }
}
