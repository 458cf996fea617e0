// Instructions that change nothing but the configuration: what each makes of it, and how it is called in history.
import type { Instruction } from '../../dockerfile/index.ts';
import { SlipwayError, signalNumber, type ContainerConfig, type Healthcheck } from '../../model/index.ts';
import { duration, list, quotedList, sortedMap } from '../go.ts';
import { exposedPorts } from './ports.ts';
import { inheritHealthcheck, shellOf, type StageState } from './state.ts';

export type MetadataInstruction = Exclude<Instruction, { kind: 'FROM' | 'RUN' | 'COPY' | 'ADD' | 'WORKDIR' }>;

/** Applies one to the state; returns the comment for history. `note` says something to the user. */
export function applyMetadata(state: StageState, instruction: MetadataInstruction, note: (text: string) => void): string {
  const { config } = state;
  const set = (change: ContainerConfig): void => {
    state.config = { ...config, ...change };
  };
  switch (instruction.kind) {
    case 'ENV':
      for (const { key, value } of instruction.pairs)
        if (key === '') throw new SlipwayError('invalid-argument', 'env.no-name', `invalid environment variable: =${value}`);
      set({ Env: instruction.pairs.reduce((env, { key, value }) => setVariable(env, key, value), config.Env ?? []) });
      return `ENV${instruction.pairs.map((p) => ` ${p.key}=${p.value}`).join('')}`;
    case 'ARG':
      for (const { key, value } of instruction.args) state.args.declare(key, value);
      return `ARG ${instruction.args.map((a) => (a.value === undefined ? a.key : `${a.key}=${a.value}`)).join(' ')}`;
    case 'LABEL':
      set({ Labels: sortedMap({ ...config.Labels, ...Object.fromEntries(instruction.pairs.map((p) => [p.key, p.value])) }) });
      return `LABEL${instruction.pairs.map((p) => ` ${p.key}=${p.value}`).join('')}`;
    case 'EXPOSE':
      set({
        ExposedPorts: sortedMap({
          ...config.ExposedPorts,
          ...Object.fromEntries(instruction.ports.flatMap(exposedPorts).map((p) => [p, {}])),
        }),
      });
      return `EXPOSE ${instruction.ports.join(' ')}`;
    case 'CMD': {
      const args = commandOf(instruction.command, config);
      set({ Cmd: args });
      if (args.length > 0) state.cmdSet = true;
      return `CMD ${quotedList(args)}`;
    }
    case 'ENTRYPOINT': {
      // without any words there is none, though a CMD without any is the bare shell
      const args = instruction.command.args.length === 0 ? [] : commandOf(instruction.command, config);
      set({ Entrypoint: args, ...(state.cmdSet ? {} : { Cmd: null }) });
      return `ENTRYPOINT ${quotedList(args)}`;
    }
    case 'VOLUME':
      set({ Volumes: sortedMap({ ...config.Volumes, ...Object.fromEntries(instruction.paths.map((p) => [checkVolume(p), {}])) }) });
      return `VOLUME ${list(instruction.paths)}`;
    case 'USER':
      set({ User: instruction.user });
      return `USER ${instruction.user}`;
    case 'SHELL':
      set({ Shell: [...instruction.shell] });
      return `SHELL ${list(instruction.shell)}`;
    case 'STOPSIGNAL':
      set({ StopSignal: checkSignal(instruction.signal) });
      return `STOPSIGNAL ${instruction.signal}`;
    case 'HEALTHCHECK': {
      const before = config.Healthcheck;
      if (before?.Test && before.Test.length > 0 && before.Test[0] !== 'NONE')
        note(`Note: overriding previous HEALTHCHECK: ${list(before.Test)}\n`);
      set({ Healthcheck: inheritHealthcheck(instruction.health, state.image?.config.config?.Healthcheck) });
      return `HEALTHCHECK ${shownHealthcheck(instruction.health)}`;
    }
    case 'ONBUILD':
      set({ OnBuild: [...(config.OnBuild ?? []), instruction.expression] });
      return `ONBUILD ${instruction.expression}`;
    case 'MAINTAINER':
      state.author = instruction.maintainer;
      return `MAINTAINER ${instruction.maintainer}`;
    default:
      return instruction satisfies never;
  }
}

function setVariable(env: readonly string[], key: string, value: string): string[] {
  const at = env.findIndex((e) => e.split('=', 1)[0] === key);
  return at < 0 ? [...env, `${key}=${value}`] : env.map((e, i) => (i === at ? `${key}=${value}` : e));
}

/** The words of a command: those of the list, or the shell's with the line. */
export function commandOf(command: { readonly args: readonly string[]; readonly shell: boolean }, config: ContainerConfig): string[] {
  return command.shell ? [...shellOf(config), ...command.args] : [...command.args];
}

function shownHealthcheck(h: Healthcheck): string {
  return `&{${list(h.Test ?? [])} ${duration(h.Interval ?? 0)} ${duration(h.Timeout ?? 0)} ${duration(h.StartPeriod ?? 0)} ${duration(h.StartInterval ?? 0)} ${h.Retries ?? 0}}`;
}

function checkVolume(path: string): string {
  if (path === '') throw new SlipwayError('invalid-argument', 'volume.empty', 'VOLUME specified can not be an empty string');
  return path;
}

function checkSignal(signal: string): string {
  if (signalNumber(signal) !== undefined) return signal;
  throw new SlipwayError('invalid-argument', 'stopsignal.invalid', `invalid signal: ${signal}`);
}
