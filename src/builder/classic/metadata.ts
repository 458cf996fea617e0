// Instructions that change nothing but the configuration: what each makes of it, and how it is called in history.
import { applyToConfig, type ConfigInstruction, type Instruction } from '../../dockerfile/index.ts';
import type { Healthcheck } from '../../model/index.ts';
import { duration, list, quotedList } from '../go.ts';
import { inheritHealthcheck, shellOf, type StageState } from './state.ts';

export type MetadataInstruction = Exclude<Instruction, { kind: 'FROM' | 'RUN' | 'COPY' | 'ADD' | 'WORKDIR' }>;

/** Applies one to the state; returns the comment for history. `note` says something to the user. */
export function applyMetadata(state: StageState, instruction: MetadataInstruction, note: (text: string) => void): string {
  const { config } = state;
  const apply = (i: ConfigInstruction): void => {
    state.config = applyToConfig(config, i, { engine: 'classic', shell: shellOf(config), cmdSet: state.cmdSet });
  };
  switch (instruction.kind) {
    case 'ENV':
      apply(instruction);
      return `ENV${instruction.pairs.map((p) => ` ${p.key}=${p.value}`).join('')}`;
    case 'ARG':
      for (const { key, value } of instruction.args) state.args.declare(key, value);
      return `ARG ${instruction.args.map((a) => (a.value === undefined ? a.key : `${a.key}=${a.value}`)).join(' ')}`;
    case 'LABEL':
      apply(instruction);
      return `LABEL${instruction.pairs.map((p) => ` ${p.key}=${p.value}`).join('')}`;
    case 'EXPOSE':
      apply(instruction);
      return `EXPOSE ${instruction.ports.join(' ')}`;
    case 'CMD': {
      apply(instruction);
      const args = state.config.Cmd ?? [];
      if (args.length > 0) state.cmdSet = true;
      return `CMD ${quotedList(args)}`;
    }
    case 'ENTRYPOINT':
      apply(instruction);
      return `ENTRYPOINT ${quotedList(state.config.Entrypoint ?? [])}`;
    case 'VOLUME':
      apply(instruction);
      return `VOLUME ${list(instruction.paths)}`;
    case 'USER':
      apply(instruction);
      return `USER ${instruction.user}`;
    case 'SHELL':
      apply(instruction);
      return `SHELL ${list(instruction.shell)}`;
    case 'STOPSIGNAL':
      apply(instruction);
      return `STOPSIGNAL ${instruction.signal}`;
    case 'HEALTHCHECK': {
      const before = config.Healthcheck;
      if (before?.Test && before.Test.length > 0 && before.Test[0] !== 'NONE')
        note(`Note: overriding previous HEALTHCHECK: ${list(before.Test)}\n`);
      apply({ ...instruction, health: inheritHealthcheck(instruction.health, state.image?.config.config?.Healthcheck) });
      return `HEALTHCHECK ${shownHealthcheck(instruction.health)}`;
    }
    case 'ONBUILD':
      apply(instruction);
      return `ONBUILD ${instruction.expression}`;
    case 'MAINTAINER':
      state.author = instruction.maintainer;
      return `MAINTAINER ${instruction.maintainer}`;
    default:
      return instruction satisfies never;
  }
}

function shownHealthcheck(h: Healthcheck): string {
  return `&{${list(h.Test ?? [])} ${duration(h.Interval ?? 0)} ${duration(h.Timeout ?? 0)} ${duration(h.StartPeriod ?? 0)} ${duration(h.StartInterval ?? 0)} ${h.Retries ?? 0}}`;
}
