// An instruction as people see it while it runs: on one line, its name in capitals, variables replaced where they are known.
import { LanguageFault } from './errors.ts';
import { expandText } from './expand/shell.ts';
import type { Environment, ExpandOptions } from './expand/shell.ts';
import { runCommandLine } from './instructions/run.ts';
import type { Instruction } from './instructions/types.ts';

/**
 * The name of a step, such as `RUN make all` or `RUN <<EOF (apt-get update...)`. In commands quotes and unknown variables stay.
 * @param env the variables of the stage before the instruction
 */
export function describeInstruction(instruction: Instruction, env: Environment, options: Pick<ExpandOptions, 'escape'> = {}): string {
  const { original, kind } = instruction;
  const summary = kind === 'RUN' ? runCommandLine(instruction, { shell: [] }).summary : undefined;
  const whole = summary === undefined ? original : `${original} (${summary})`;
  const text = expanded(whole, env, kind === 'RUN' ? { ...options, keepQuotes: true, keepUnset: true } : options);
  const keyword = instruction.node.keyword.length;
  return text.slice(0, keyword).toUpperCase() + text.slice(keyword);
}

function expanded(text: string, env: Environment, options: ExpandOptions): string {
  try {
    return expandText(text, env, options).value;
  } catch (error) {
    // What the shell of the language cannot read is shown as it stands.
    if (error instanceof LanguageFault) return text;
    throw error;
  }
}
