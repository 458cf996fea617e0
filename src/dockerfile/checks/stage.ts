// The checks that follow a stage from its base on: variables, working directories, commands that replace each other.
import { type ArgScope, declareArgs, expandInstruction, undefinedInMounts } from '../expand/instruction.ts';
import { type ExpandOptions, NO_NAMES } from '../expand/shell.ts';
import type { Instruction } from '../instructions/types.ts';
import type { Dockerfile, Stage } from '../stages.ts';
import { nonPortable } from '../portable.ts';
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
/** Words of names that hold no secret: where one lies, and which. */
const HARMLESS = /(?:_|^)(?:public|file|version)(?:_|$)/i;

export function checkStage(
  dockerfile: Dockerfile,
  stage: Stage,
  begin: StageEnd,
  globals: ReadonlyMap<string, string>,
  buildArgs: Readonly<Record<string, string>>,
  isIgnored: StageFacts['isIgnored'],
  reporter: Reporter,
  triggers: readonly Instruction[] = [],
): StageEnd {
  const env = new Map(begin.env);
  let { shell, workdirSet } = begin;
  const last = new Map<string, Instruction>();
  for (const i of [...triggers, ...stage.commands]) {
    const to = reporter.for(i);
    const own = nonPortable(i);
    if (own !== undefined) to.report('NonPortableSyntax', i.range, `${own} is understood by Slipway alone`);
    switch (i.kind) {
      case 'ENV':
      case 'LABEL':
        for (const pair of i.node.pairs) {
          if (pair.legacy) {
            const word = i.node.keyword;
            to.report('LegacyKeyValueFormat', i.range, `"${word} key=value" should be used instead of legacy "${word} key value" format`);
          }
        }
        break;
      case 'SHELL':
        shell = true;
        break;
      case 'CMD':
      case 'ENTRYPOINT':
        if (i.command.shell && !shell) {
          to.report(
            'JSONArgsRecommended',
            i.range,
            `JSON arguments recommended for ${i.node.keyword} to prevent unintended behavior related to OS signals`,
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
              to.report('CopyIgnoredFile', i.range, `Attempting to ${what} file ${JSON.stringify(path)} that is excluded by .dockerignore`);
            }
          }
        }
        break;
      default:
    }
    if (i.kind === 'CMD' || i.kind === 'ENTRYPOINT' || i.kind === 'HEALTHCHECK') {
      const before = last.get(i.kind);
      if (before) {
        to.report(
          'MultipleInstructionsDisallowed',
          before.range,
          `Multiple ${i.node.keyword} instructions should not be used in the same stage because only the last one will be used`,
        );
      }
      last.set(i.kind, i);
    }
    const expanded = checkVariables(dockerfile, i, env, { globals, buildArgs }, to);
    if (i.kind === 'WORKDIR') {
      const path = expanded?.kind === 'WORKDIR' ? expanded.path : i.path;
      if (!workdirSet && !path.startsWith('/')) {
        to.report(
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
      // One without a value is declared all the same: that it is empty is no mistake.
      const declared = expanded?.kind === 'ARG' ? expanded.args : [];
      for (const { key, value } of declared) if (value !== undefined || !env.has(key)) env.set(key, value ?? '');
    }
  }
  return { env, shell, workdirSet };
}

/** The instruction with its variables replaced; undefined when that fails, which the build says better. */
function checkVariables(
  dockerfile: Dockerfile,
  i: Instruction,
  env: ReadonlyMap<string, string>,
  scope: ArgScope,
  to: Reporter,
): Instruction | undefined {
  try {
    const { instruction, unmatched } = expandedOf(i, env, scope, { escape: dockerfile.escape });
    for (const name of unmatched) {
      const near = suggest(name, [...env.keys()], true);
      to.report('UndefinedVar', i.range, `Usage of undefined variable '$${name}'${didYouMean(near && `$${near}`)}`);
    }
    return instruction;
  } catch {
    return undefined;
  }
}

/** BuildKit asks for undefined variables in all that it expands, but for ports. */
function expandedOf(
  i: Instruction,
  env: ReadonlyMap<string, string>,
  scope: ArgScope,
  options: ExpandOptions,
): { instruction: Instruction; unmatched: ReadonlySet<string> } {
  switch (i.kind) {
    case 'ARG': {
      const { args, unmatched } = declareArgs(i, env, scope, options);
      return { instruction: { ...i, args }, unmatched };
    }
    case 'RUN':
      return { instruction: i, unmatched: undefinedInMounts(i, env, options) };
    case 'EXPOSE':
      return { instruction: i, unmatched: NO_NAMES };
    default:
      return expandInstruction(i, env, options);
  }
}

function checkSecret(instruction: 'ARG' | 'ENV', key: string, { range }: Instruction, to: Reporter): void {
  if (SECRET.test(key) && !HARMLESS.test(key)) {
    to.report(
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
      to.report('ExposeProtoCasing', range, `Defined protocol '${port}' in EXPOSE instruction should be lowercase`);
    }
    if (!port.includes('$') && port.includes(':')) {
      to.report('ExposeInvalidFormat', range, `EXPOSE instruction should not define an IP address or host-port mapping, found '${port}'`);
    }
  }
}
