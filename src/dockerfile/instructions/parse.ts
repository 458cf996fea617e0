// From a node of the tree to its typed instruction.
import type { InstructionNode } from '../ast.ts';
import type { SourceFile } from '../errors.ts';
import { suggest } from '../suggest.ts';
import { NodeReader } from './base.ts';
import { parseCmd, parseEntrypoint, parseShell } from './commands.ts';
import { parseAdd, parseCopy } from './copy.ts';
import { parseFrom } from './from.ts';
import { parseHealthcheck } from './healthcheck.ts';
import { parseOnbuild } from './onbuild.ts';
import { parseArg, parseEnv, parseLabel } from './pairs.ts';
import { parseRun } from './run.ts';
import { parseExpose, parseMaintainer, parseStopSignal, parseUser, parseVolume, parseWorkdir } from './simple.ts';
import type { Instruction, InstructionKind } from './types.ts';

const PARSERS: { readonly [K in InstructionKind]: (reader: NodeReader) => Extract<Instruction, { kind: K }> } = {
  ADD: parseAdd,
  ARG: parseArg,
  CMD: parseCmd,
  COPY: parseCopy,
  ENTRYPOINT: parseEntrypoint,
  ENV: parseEnv,
  EXPOSE: parseExpose,
  FROM: parseFrom,
  HEALTHCHECK: parseHealthcheck,
  LABEL: parseLabel,
  MAINTAINER: parseMaintainer,
  ONBUILD: parseOnbuild,
  RUN: parseRun,
  SHELL: parseShell,
  STOPSIGNAL: parseStopSignal,
  USER: parseUser,
  VOLUME: parseVolume,
  WORKDIR: parseWorkdir,
};

/** All instructions, in capitals. */
export const INSTRUCTION_NAMES: readonly string[] = Object.keys(PARSERS);

const BY_NAME: ReadonlyMap<string, (reader: NodeReader) => Instruction> = new Map(Object.entries(PARSERS));

/** @throws SlipwayError for an unknown instruction, wrong flags or wrong arguments */
export function toInstruction(file: SourceFile, node: InstructionNode): Instruction {
  const reader = new NodeReader(file, node);
  const parse = BY_NAME.get(node.name);
  if (parse !== undefined) return parse(reader);
  const near = suggest(node.keyword, INSTRUCTION_NAMES, false);
  const shown = near === undefined ? '' : ` (did you mean ${node.keyword === node.name ? near : near.toLowerCase()}?)`;
  const allowed = node.name === 'INCLUDE' && file.features?.has('include') !== true;
  const hints = allowed ? ['Slipway has it behind a line at the head of the file: # slipway:features=include'] : [];
  return reader.fail('unknown-instruction', `unknown instruction: ${node.keyword}${shown}`, node.keywordRange, hints);
}
