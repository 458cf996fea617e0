// ONBUILD: an instruction kept for the builds that begin with this image.
import type { NodeReader } from './base.ts';
import type { OnbuildInstruction } from './types.ts';

export function parseOnbuild(reader: NodeReader): OnbuildInstruction {
  const { trigger, heredocs, original } = reader.node;
  if (trigger === undefined) reader.fail('arguments', 'ONBUILD requires at least one argument');
  reader.flags();
  if (trigger.name === 'ONBUILD') reader.fail('onbuild-trigger', "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", trigger.range);
  const includes = trigger.name === 'INCLUDE' && reader.file.features?.has('include') === true;
  if (trigger.name === 'MAINTAINER' || trigger.name === 'FROM' || includes) {
    reader.fail('onbuild-trigger', `${trigger.name} isn't allowed as an ONBUILD trigger`, trigger.range);
  }
  const line = original.replace(/^ONBUILD\s*/i, '');
  return { ...reader.base('ONBUILD'), expression: line + heredocs.map(({ content, name }) => `\n${content}${name}`).join('') };
}
