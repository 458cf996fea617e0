// What an instruction makes of an image's configuration: for both engines, and for `--change` of commit and import. Pure.
import { type ContainerConfig, signalNumber, SlipwayError } from '../../model/index.ts';
import { sortedMap } from '../../util/index.ts';
import type { Command } from '../instructions/base.ts';
import type { Instruction } from '../instructions/types.ts';
import { type EngineWords, exposedPorts } from './exposed-ports.ts';

/** Instructions that change nothing but the configuration. */
export type ConfigInstruction = Extract<
  Instruction,
  { kind: 'CMD' | 'ENTRYPOINT' | 'ENV' | 'EXPOSE' | 'HEALTHCHECK' | 'LABEL' | 'ONBUILD' | 'SHELL' | 'STOPSIGNAL' | 'USER' | 'VOLUME' }
>;

export interface ConfigRules {
  readonly engine: EngineWords;
  /** What runs commands that are lines. */
  readonly shell: readonly string[];
  /** The same stage has a CMD, which an ENTRYPOINT leaves; the image's it takes away. */
  readonly cmdSet: boolean;
}

/** @throws invalid-argument `env.no-name`, `expose.invalid`, `stopsignal.invalid`, `volume.empty` */
export function applyToConfig(config: ContainerConfig, i: ConfigInstruction, rules: ConfigRules): ContainerConfig {
  return { ...config, ...changeOf(config, i, rules) };
}

const invalid = (code: string, message: string): SlipwayError => new SlipwayError('invalid-argument', code, message);

function changeOf(config: ContainerConfig, i: ConfigInstruction, { engine, shell, cmdSet }: ConfigRules): ContainerConfig {
  switch (i.kind) {
    case 'CMD':
      return { Cmd: commandWords(i.command, shell, engine), ...(engine === 'graph' && { ArgsEscaped: true }) };
    case 'ENTRYPOINT': {
      // to the original engine one without any words is none, though a CMD without any is the bare shell
      const none = engine === 'classic' && i.command.args.length === 0;
      return { Entrypoint: none ? [] : commandWords(i.command, shell, engine), ...(!cmdSet && { Cmd: null }) };
    }
    case 'ENV':
      return { Env: i.pairs.reduce((env, { key, value }) => withVariable(env, key, value, engine), config.Env ?? []) };
    case 'EXPOSE':
      return { ExposedPorts: sortedMap({ ...config.ExposedPorts, ...keys(i.ports.flatMap((word) => exposedPorts(word, engine))) }) };
    case 'HEALTHCHECK':
      return { Healthcheck: i.health };
    case 'LABEL':
      return { Labels: sortedMap({ ...config.Labels, ...Object.fromEntries(i.pairs.map(({ key, value }) => [key, value])) }) };
    case 'ONBUILD':
      return { OnBuild: [...(config.OnBuild ?? []), i.expression] };
    case 'SHELL':
      return { Shell: [...i.shell] };
    case 'STOPSIGNAL':
      if (signalNumber(i.signal) === undefined) throw invalid('stopsignal.invalid', `invalid signal: ${i.signal}`);
      return { StopSignal: i.signal };
    case 'USER':
      return { User: i.user };
    case 'VOLUME':
      if (i.paths.includes('')) throw invalid('volume.empty', 'VOLUME specified can not be an empty string');
      return { Volumes: sortedMap({ ...config.Volumes, ...keys(i.paths) }) };
    default:
      return i satisfies never;
  }
}

/** The words of a command: those of the list, or the shell's with the line. One without a line is to BuildKit one with an empty line. */
export const commandWords = ({ args, shell: line }: Command, shell: readonly string[], engine: EngineWords): string[] =>
  line ? [...shell, ...(engine === 'graph' ? [args.join(' ')] : args)] : [...args];

/** Replaces a variable in place, or adds it. */
function withVariable(env: readonly string[], key: string, value: string, engine: EngineWords): string[] {
  // a name that a variable left empty is a name to BuildKit
  if (key === '' && engine === 'classic') throw invalid('env.no-name', `invalid environment variable: =${value}`);
  const at = env.findIndex((entry) => entry.startsWith(`${key}=`));
  return at < 0 ? [...env, `${key}=${value}`] : env.with(at, `${key}=${value}`);
}

const keys = (names: readonly string[]): Record<string, Record<string, never>> => Object.fromEntries(names.map((name) => [name, {}]));
