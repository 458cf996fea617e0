// FROM: the beginning of a stage.
import type { NodeReader } from './base.ts';
import { INSTRUCTION_FLAGS } from './declared.ts';
import type { FromInstruction } from './types.ts';

export function parseFrom(reader: NodeReader): FromInstruction {
  const [base, as, written] = reader.node.words;
  const count = reader.node.words.length;
  let name: string | undefined;
  if (count === 3 && as?.value.toLowerCase() === 'as' && written !== undefined) {
    name = written.value.toLowerCase();
    if (!isStageName(name)) {
      reader.fail(
        'stage-name',
        `invalid name for build stage: "${written.value}", name can't start with a number or contain symbols`,
        written.range,
      );
    }
  } else if (count !== 1) reader.fail('arguments', 'FROM requires either one or three arguments');
  const platform = reader.flags(INSTRUCTION_FLAGS.FROM).string('platform');
  return {
    ...reader.base('FROM'),
    base: base?.value ?? '',
    ...(name === undefined || written === undefined ? {} : { name, writtenName: written.value }),
    // an empty one counts as not given
    ...(platform === undefined || platform === '' ? {} : { platform }),
  };
}

function isStageName(name: string): boolean {
  return /^[a-z][a-z0-9-_.]*$/.test(name);
}
