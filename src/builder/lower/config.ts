// Instructions that change the image's configuration and no file.
import { posix } from 'node:path';
import { declareArgs, type Instruction } from '../../dockerfile/index.ts';
import { type ContainerConfig, type Healthcheck, signalNumber, SlipwayError } from '../../model/index.ts';
import { duration, list, quotedList, quotedRune, sortedMap } from '../go.ts';
import { exposedPorts } from './ports.ts';
import { sourceOf } from '../placed.ts';
import { type LowerContext, type StageState } from './state.ts';

type ConfigInstruction = Exclude<Instruction, { kind: 'FROM' | 'RUN' | 'COPY' | 'ADD' | 'WORKDIR' }>;

/** Applies an instruction whose variables are expanded already. */
export function lowerConfig(c: LowerContext, state: StageState, i: ConfigInstruction): void {
  const set = (change: ContainerConfig, createdBy: string): void => {
    state.config = { ...state.config, ...change };
    record(state, createdBy);
  };
  switch (i.kind) {
    case 'ENV': {
      let env = state.config.Env ?? [];
      for (const { key, value } of i.pairs) {
        env = setVariable(env, key, value);
        state.variables.set(key, value);
      }
      return set({ Env: env }, `ENV ${i.pairs.map((p) => `${p.key}=${p.value}`).join(' ')}`);
    }
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
      return set(
        { Labels: sortedMap({ ...state.config.Labels, ...Object.fromEntries(i.pairs.map((p) => [p.key, p.value])) }) },
        `LABEL ${i.pairs.map((p) => `${p.key}=${p.value}`).join(' ')}`,
      );
    case 'EXPOSE': {
      const ports = i.ports.flatMap((p) => exposedPorts(p, sourceOf(i)));
      return set(
        { ExposedPorts: sortedMap({ ...state.config.ExposedPorts, ...Object.fromEntries(ports.map((p) => [p, {}])) }) },
        `EXPOSE ${list(ports)}`,
      );
    }
    case 'CMD': {
      const args = commandOf(state, i.command);
      state.cmdSet = true;
      return set({ Cmd: args, ArgsEscaped: true }, `CMD ${quotedList(args)}`);
    }
    case 'ENTRYPOINT': {
      const args = commandOf(state, i.command);
      return set({ Entrypoint: args, ...(state.cmdSet ? {} : { Cmd: null }) }, `ENTRYPOINT ${quotedList(args)}`);
    }
    case 'HEALTHCHECK':
      return set({ Healthcheck: i.health }, `HEALTHCHECK ${healthText(i.health)}`);
    case 'ONBUILD':
      // as in BuildKit it has no entry in the history
      state.config = { ...state.config, OnBuild: [...(state.config.OnBuild ?? []), i.expression] };
      return;
    case 'SHELL':
      return set({ Shell: [...i.shell] }, `SHELL ${list(i.shell)}`);
    case 'STOPSIGNAL':
      if (signalNumber(i.signal) === undefined) {
        throw new SlipwayError('invalid-argument', 'stopsignal.invalid', `invalid signal: ${i.signal}`, { source: sourceOf(i) });
      }
      return set({ StopSignal: i.signal }, `STOPSIGNAL ${i.signal}`);
    case 'USER':
      return set({ User: i.user }, `USER ${i.user}`);
    case 'VOLUME':
      for (const path of i.paths)
        if (path === '')
          throw new SlipwayError('invalid-argument', 'build.volume', 'VOLUME specified can not be an empty string', {
            source: sourceOf(i),
          });
      return set(
        { Volumes: sortedMap({ ...state.config.Volumes, ...Object.fromEntries(i.paths.map((p) => [p, {}])) }) },
        `VOLUME ${list(i.paths)}`,
      );
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

/** Replaces a variable in place, or adds it. */
function setVariable(env: readonly string[], key: string, value: string): string[] {
  const entry = `${key}=${value}`;
  const at = env.findIndex((e) => e.startsWith(`${key}=`));
  return at < 0 ? [...env, entry] : env.with(at, entry);
}

export const osOf = ({ base, platform }: StageState): string => base?.config.os || platform.os;

export function shellOf(state: StageState): readonly string[] {
  const { Shell } = state.config;
  if (Shell && Shell.length > 0) return Shell;
  return osOf(state) === 'windows' ? ['cmd', '/S', '/C'] : ['/bin/sh', '-c'];
}

const commandOf = (state: StageState, { args, shell }: { args: readonly string[]; shell: boolean }): string[] =>
  shell ? [...shellOf(state), args.join(' ')] : [...args];

/** The absolute path that a WORKDIR leads to. One that is absolute itself stays as it is written, as in BuildKit. */
export const workdirOf = (config: ContainerConfig, path: string): string =>
  path.startsWith('/') ? path : posix.resolve('/', config.WorkingDir ?? '/', path);

/** `%q` of Go's structure: each field in quotes, the number as the character of that code. */
const healthText = (h: Healthcheck): string =>
  `&{${quotedList(h.Test ?? [])} ${[h.Interval, h.Timeout, h.StartPeriod, h.StartInterval].map((n) => `"${duration(n ?? 0)}"`).join(' ')} ${quotedRune(h.Retries ?? 0)}}`;
