// CMD, ENTRYPOINT and SHELL: what a container runs, and by which shell.
import type { NodeReader } from './base.ts';
import type { CmdInstruction, EntrypointInstruction, ShellInstruction } from './types.ts';

export function parseCmd(reader: NodeReader): CmdInstruction {
  reader.flags();
  return { ...reader.base('CMD'), command: reader.command() };
}

export function parseEntrypoint(reader: NodeReader): EntrypointInstruction {
  reader.flags();
  return { ...reader.base('ENTRYPOINT'), command: reader.command() };
}

export function parseShell(reader: NodeReader): ShellInstruction {
  reader.flags();
  reader.requireWords();
  const { json, original } = reader.node;
  if (!json) reader.fail('not-json', 'SHELL requires the arguments to be in JSON form', undefined, backslashHints(original));
  return { ...reader.base('SHELL'), shell: reader.words };
}

/** Windows paths are the usual reason why a list is no JSON. */
function backslashHints(original: string): string[] {
  if (!/"[a-z]:\\/i.test(original)) return [];
  return ['In JSON a backslash is written twice: ["c:\\\\tools\\\\sh.exe"].'];
}
