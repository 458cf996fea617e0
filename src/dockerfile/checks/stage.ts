// The checks that follow a stage from its base on: variables, working directories, commands that replace each other.
import { declareArgs, expandInstruction } from '../expand/instruction.ts';
import type { Instruction } from '../instructions/types.ts';
import type { Dockerfile, Stage } from '../stages.ts';
import { suggest } from '../suggest.ts';
import { didYouMean, type Reporter } from './reporter.ts';

export interface StageFacts {
  /** The environment of the base image. */
  readonly env: ReadonlyMap<string, string>;
  /** The base image has a shell of its own (SHELL). */
  readonly shell: boolean;
  /** Whether `.dockerignore` leaves a path of the context out. */
  isIgnored(path: string): boolean;
}

/** What a stage passes on to those that are FROM it. */
export interface StageEnd {
  readonly env: Map<string, string>;
  readonly shell: boolean;
  readonly workdirSet: boolean;
}

const SECRET = /(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i;
const PUBLIC = /(?:_|^)public(?:_|$)/i;

export function checkStage(
  dockerfile: Dockerfile,
  stage: Stage,
  begin: StageEnd,
  globals: ReadonlyMap<string, string>,
  buildArgs: Readonly<Record<string, string>>,
  isIgnored: StageFacts['isIgnored'],
  to: Reporter,
): StageEnd {
  const env = new Map(begin.env);
  let { shell, workdirSet } = begin;
  const last = new Map<string, Instruction>();
  for (const i of stage.commands) {
    switch (i.kind) {
      case 'ENV':
      case 'LABEL':
        for (const pair of i.node.pairs) {
          if (pair.legacy) {
            const word = i.node.keyword;
            to.tell('LegacyKeyValueFormat', i.range, `"${word} key=value" should be used instead of legacy "${word} key value" format`);
          }
        }
        break;
      case 'SHELL':
        shell = true;
        break;
      case 'CMD':
      case 'ENTRYPOINT':
        if (i.command.shell && !shell) {
          to.tell(
            'JSONArgsRecommended',
            i.range,
            `JSON arguments recommended for ${i.kind} to prevent unintended behavior related to OS signals`,
          );
        }
        break;
      case 'EXPOSE':
        checkPorts(i.ports, i, to);
        break;
      case 'COPY':
      case 'ADD':
        if (i.kind === 'ADD' || i.from === undefined) {
          for (const path of i.sources) {
            if (isIgnored(path)) {
              const what = i.kind === 'COPY' ? 'Copy' : 'Add';
              to.tell('CopyIgnoredFile', i.range, `Attempting to ${what} file ${JSON.stringify(path)} that is excluded by .dockerignore`);
            }
          }
        }
        break;
      default:
    }
    if (i.kind === 'CMD' || i.kind === 'ENTRYPOINT' || i.kind === 'HEALTHCHECK') {
      const before = last.get(i.kind);
      if (before) {
        to.tell(
          'MultipleInstructionsDisallowed',
          before.range,
          `Multiple ${i.kind} instructions should not be used in the same stage because only the last one will be used`,
        );
      }
      last.set(i.kind, i);
    }
    const expanded = checkVariables(dockerfile, i, env, to);
    if (i.kind === 'WORKDIR') {
      const path = expanded?.kind === 'WORKDIR' ? expanded.path : i.path;
      if (!workdirSet && !path.startsWith('/')) {
        to.tell(
          'WorkdirRelativePath',
          i.range,
          `Relative workdir ${JSON.stringify(path)} can have unexpected results if the base image changes`,
        );
      }
      workdirSet = true;
    }
    if (i.kind === 'ENV' && expanded?.kind === 'ENV') {
      for (const { key, value } of expanded.pairs) {
        checkSecret('ENV', key, i, to);
        env.set(key, value);
      }
    }
    if (i.kind === 'ARG') {
      for (const { key } of i.args) checkSecret('ARG', key, i, to);
      try {
        const declared = declareArgs(i, env, { globals, buildArgs }, { escape: dockerfile.escape });
        // One without a value is declared all the same: that it is empty is no mistake.
        for (const { key, value } of declared.args) if (value !== undefined || !env.has(key)) env.set(key, value ?? '');
      } catch {
        // the build itself says what is wrong with it
      }
    }
  }
  return { env, shell, workdirSet };
}

/** The instruction with its variables replaced; undefined when that fails, which the build says better. */
function checkVariables(dockerfile: Dockerfile, i: Instruction, env: ReadonlyMap<string, string>, to: Reporter): Instruction | undefined {
  try {
    const { instruction, unmatched } = expandInstruction(i, env, { escape: dockerfile.escape });
    for (const name of unmatched) {
      const near = suggest(name, [...env.keys()], true);
      to.tell('UndefinedVar', i.range, `Usage of undefined variable '$${name}'${didYouMean(near && `$${near}`)}`);
    }
    return instruction;
  } catch {
    return undefined;
  }
}

function checkSecret(instruction: 'ARG' | 'ENV', key: string, { range }: Instruction, to: Reporter): void {
  if (SECRET.test(key) && !PUBLIC.test(key)) {
    to.tell(
      'SecretsUsedInArgOrEnv',
      range,
      `Do not use ARG or ENV instructions for sensitive data (${instruction} ${JSON.stringify(key)})`,
    );
  }
}

function checkPorts(ports: readonly string[], { range }: Instruction, to: Reporter): void {
  for (const port of ports) {
    const protocol = port.split('/')[1] ?? '';
    if (protocol !== protocol.toLowerCase()) {
      to.tell('ExposeProtoCasing', range, `Defined protocol '${port}' in EXPOSE instruction should be lowercase`);
    }
    if (!port.includes('$') && port.includes(':')) {
      to.tell('ExposeInvalidFormat', range, `EXPOSE instruction should not define an IP address or host-port mapping, found '${port}'`);
    }
  }
}
