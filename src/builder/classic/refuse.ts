// What later builders can do and the original engine cannot: it says so at the step.
import type { Instruction } from '../../dockerfile/index.ts';
import { SlipwayError } from '../../model/index.ts';

/** Throws unsupported 'classic.needs-graph' for the first flag that would have to be ignored. */
export function refuseUnsupported(instruction: Instruction): void {
  const flag = unsupportedFlag(instruction);
  if (flag === undefined) return;
  throw new SlipwayError(
    'unsupported',
    'classic.needs-graph',
    `the --${flag} option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/ to learn how to build images with BuildKit enabled`,
    { hints: ['the graph engine has it: build with DOCKER_BUILDKIT=1'] },
  );
}

function unsupportedFlag(instruction: Instruction): string | undefined {
  if (instruction.kind === 'RUN') return /^--([a-z]+)/.exec(instruction.node.flags[0]?.text ?? '')?.[1];
  if (instruction.kind !== 'COPY' && instruction.kind !== 'ADD') return undefined;
  if (instruction.chmod !== undefined && instruction.chmod !== '') return 'chmod';
  if (instruction.exclude.length > 0) return 'exclude';
  if (instruction.kind === 'COPY') return instruction.parents ? 'parents' : undefined;
  if (instruction.checksum !== undefined && instruction.checksum !== '') return 'checksum';
  return instruction.unpack === false ? 'unpack' : undefined;
}
