// ENV, LABEL and ARG: names with values.
import type { KeyValue, NodeReader } from './base.ts';
import type { ArgInstruction, EnvInstruction, LabelInstruction } from './types.ts';

export function parseEnv(reader: NodeReader): EnvInstruction {
  return { ...reader.base('ENV'), pairs: pairs(reader) };
}

export function parseLabel(reader: NodeReader): LabelInstruction {
  return { ...reader.base('LABEL'), pairs: pairs(reader) };
}

function pairs(reader: NodeReader): KeyValue[] {
  reader.flags();
  const { pairs: nodes, name } = reader.node;
  if (nodes.length === 0) reader.fail('arguments', `${name} requires at least one argument`);
  return nodes.map(({ key, value, legacy, range }) => {
    if (key === '') reader.fail('blank-name', `${name} names can not be blank`, range);
    return { key, value, legacy };
  });
}

/** Flags before the names are passed over, as Docker does here alone. */
export function parseArg(reader: NodeReader): ArgInstruction {
  reader.requireWords();
  const args = reader.node.words.map(({ value, range }) => {
    const equals = value.indexOf('=');
    if (equals === 0) reader.fail('blank-name', 'ARG names can not be blank', range);
    return equals < 0 ? { key: value } : { key: value.slice(0, equals), value: value.slice(equals + 1) };
  });
  return { ...reader.base('ARG'), args };
}
