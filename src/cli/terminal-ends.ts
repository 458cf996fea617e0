// The user's terminal, for a program in a container that gets one.
import type { TerminalEnds } from '../runtime/index.ts';
import type { Context } from './command.ts';

export const terminalEnds = (ctx: Context): TerminalEnds => ({
  input: ctx.stdin,
  output: ctx.stdout,
  size: () => ({ columns: ctx.stdout.columns || 80, rows: ctx.stdout.rows || 24 }),
  onResize: (changed) => {
    process.on('SIGWINCH', changed);
    return () => process.off('SIGWINCH', changed);
  },
});
