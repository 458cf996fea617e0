// Instructions that change the image's configuration and no file.
import { posix } from 'node:path';
import { applyToConfig, type ConfigInstruction, declareArgs, exposedPorts, type Instruction } from '../../dockerfile/index.ts';
import type { ContainerConfig, Healthcheck } from '../../model/index.ts';
import { duration, list, quotedList, quotedRune } from '../go.ts';
import { placed, sourceOf } from '../placed.ts';
import { type LowerContext, type StageState } from './state.ts';

type MetadataInstruction = Exclude<Instruction, { kind: 'FROM' | 'RUN' | 'COPY' | 'ADD' | 'WORKDIR' }>;

/** Applies an instruction whose variables are expanded already. */
export function lowerConfig(c: LowerContext, state: StageState, i: MetadataInstruction): void {
  const apply = (change: ConfigInstruction): ContainerConfig => {
    try {
      return (state.config = applyToConfig(state.config, change, { engine: 'graph', shell: shellOf(state), cmdSet: state.cmdSet }));
    } catch (e) {
      throw placed(e, sourceOf(i));
    }
  };
  switch (i.kind) {
    case 'ENV':
      apply(i);
      for (const { key, value } of i.pairs) state.variables.set(key, value);
      return record(state, `ENV ${i.pairs.map((p) => `${p.key}=${p.value}`).join(' ')}`);
    case 'ARG': {
      const declared = declareArgs(
        i,
        state.variables,
        { buildArgs: c.request.buildArgs, globals: c.globals },
        { escape: c.dockerfile.escape },
      );
      for (const [n, arg] of declared.args.entries()) {
        const inherited = i.args[n]?.value === undefined && !Object.hasOwn(c.request.buildArgs, arg.key) && c.globals.has(arg.key);
        state.outline.arg(i, arg.key, arg.value, inherited);
        // declared again without a value, it keeps the one that it has
        if (!state.args.some((a) => a.key === arg.key)) state.args.push(arg);
        if (arg.value !== undefined) state.variables.set(arg.key, arg.value);
      }
      return record(state, `ARG ${declared.args.map((a) => (a.value === undefined ? a.key : `${a.key}=${a.value}`)).join(' ')}`);
    }
    case 'LABEL':
      apply(i);
      return record(state, `LABEL ${i.pairs.map((p) => `${p.key}=${p.value}`).join(' ')}`);
    case 'EXPOSE':
      apply(i);
      return record(state, `EXPOSE ${list(i.ports.flatMap((word) => exposedPorts(word, 'graph')))}`);
    case 'CMD':
      state.cmdSet = true;
      return record(state, `CMD ${quotedList(apply(i).Cmd ?? [])}`);
    case 'ENTRYPOINT':
      return record(state, `ENTRYPOINT ${quotedList(apply(i).Entrypoint ?? [])}`);
    case 'HEALTHCHECK':
      apply(i);
      return record(state, `HEALTHCHECK ${healthText(i.health)}`);
    case 'ONBUILD':
      // as in BuildKit it has no entry in the history
      return void apply(i);
    case 'SHELL':
      apply(i);
      return record(state, `SHELL ${list(i.shell)}`);
    case 'STOPSIGNAL':
      apply(i);
      return record(state, `STOPSIGNAL ${i.signal}`);
    case 'USER':
      apply(i);
      return record(state, `USER ${i.user}`);
    case 'VOLUME':
      apply(i);
      return record(state, `VOLUME ${list(i.paths)}`);
    case 'MAINTAINER':
      state.author = i.maintainer;
      return record(state, `MAINTAINER ${i.maintainer}`);
    default:
      return i satisfies never;
  }
}

/** An entry of history that has no layer. */
function record(state: StageState, createdBy: string): void {
  state.steps.push({ createdBy, ...(state.author !== undefined && { author: state.author }) });
}

export const osOf = ({ base, platform }: StageState): string => base?.config.os || platform.os;

export function shellOf(state: StageState): readonly string[] {
  const { Shell } = state.config;
  if (Shell && Shell.length > 0) return Shell;
  return osOf(state) === 'windows' ? ['cmd', '/S', '/C'] : ['/bin/sh', '-c'];
}

/** The absolute path that a WORKDIR leads to. One that is absolute itself stays as it is written, as in BuildKit. */
export const workdirOf = (config: ContainerConfig, path: string): string =>
  path.startsWith('/') ? path : posix.resolve('/', config.WorkingDir ?? '/', path);

/** `%q` of Go's structure: each field in quotes, the number as the character of that code. */
const healthText = (h: Healthcheck): string =>
  `&{${quotedList(h.Test ?? [])} ${[h.Interval, h.Timeout, h.StartPeriod, h.StartInterval].map((n) => `"${duration(n ?? 0)}"`).join(' ')} ${quotedRune(h.Retries ?? 0)}}`;
