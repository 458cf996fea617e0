// `--change` of import and commit: single instructions of a Dockerfile that alter an image's settings, as the original engine does.
import { posix } from 'node:path';
import { applyToConfig, expandInstruction, type Instruction, parseInstruction } from '../../dockerfile/index.ts';
import { type ContainerConfig, SlipwayError } from '../../model/index.ts';

const COMMANDS = ['CMD', 'ENTRYPOINT', 'ENV', 'EXPOSE', 'HEALTHCHECK', 'LABEL', 'ONBUILD', 'STOPSIGNAL', 'USER', 'VOLUME', 'WORKDIR'];

const SHELL = ['/bin/sh', '-c'];

/** The settings after these instructions, in order. @throws SlipwayError `change.invalid`, or what the language says of the line. */
export function applyChanges(config: ContainerConfig, changes: readonly string[]): ContainerConfig {
  let now = config;
  let cmdSet = false;
  for (const line of changes) {
    const [word = ''] = line.trim().split(/\s/);
    if (!COMMANDS.includes(word.toUpperCase())) throw noChange(word);
    const variables = new Map((now.Env ?? []).map((entry) => [entry.split('=', 1)[0]!, entry.slice(entry.indexOf('=') + 1)]));
    const { instruction } = expandInstruction<Instruction>(parseInstruction(line), variables);
    now = changed(now, instruction, cmdSet);
    if (instruction.kind === 'CMD' && (now.Cmd ?? []).length > 0) cmdSet = true;
  }
  // without either the image would start nothing
  const nothing = (now.Entrypoint ?? []).length === 0 && (now.Cmd ?? []).length === 0;
  return nothing && config.Cmd ? { ...now, Cmd: config.Cmd } : now;
}

function changed(config: ContainerConfig, i: Instruction, cmdSet: boolean): ContainerConfig {
  switch (i.kind) {
    case 'CMD':
    case 'ENTRYPOINT':
    case 'ENV':
    case 'EXPOSE':
    case 'HEALTHCHECK':
    case 'LABEL':
    case 'ONBUILD':
    case 'STOPSIGNAL':
    case 'USER':
    case 'VOLUME':
      return applyToConfig(config, i, { engine: 'classic', shell: config.Shell?.length ? config.Shell : SHELL, cmdSet });
    case 'WORKDIR':
      return { ...config, WorkingDir: posix.resolve('/', config.WorkingDir ?? '/', i.path) };
    default:
      throw noChange(i.kind);
  }
}

const noChange = (word: string): SlipwayError =>
  new SlipwayError('invalid-argument', 'change.invalid', `${word} is not a valid change command`, {
    hints: [`${COMMANDS.slice(0, -1).join(', ')} and ${COMMANDS.at(-1)} are`],
  });
