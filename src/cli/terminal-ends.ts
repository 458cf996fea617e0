// The user's terminal, for a program in a container that gets one.
import type { TerminalEnds } from '../engine/index.ts';
import { rawTerminal } from '../sys/index.ts';
import type { Context } from './command.ts';

const STDIN = 0;

/** Without `input` nothing that is typed is read, and the keys keep their meaning. */
export function terminalEnds(
  ctx: Context,
  o: { readonly input: boolean; readonly detachKeys: readonly number[] | undefined },
): TerminalEnds {
  const { input, detachKeys } = o;
  return {
    ...(input && { input: ctx.stdin, detachKeys }),
    ...(input && ctx.stdin.isTTY && { raw: () => raw(STDIN) }),
    output: ctx.stdout,
    size: () => ({ columns: ctx.stdout.columns || 80, rows: ctx.stdout.rows || 24 }),
    onResize: (changed) => {
      process.on('SIGWINCH', changed);
      return () => process.off('SIGWINCH', changed);
    },
  };
}

/** However the program ends, short of SIGKILL, the terminal is as it was. */
function raw(fd: number): () => void {
  const restore = rawTerminal(fd);
  process.once('exit', restore);
  return () => {
    process.off('exit', restore);
    restore();
  };
}
