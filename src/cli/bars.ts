// Bars of sizes: on a terminal only, coloured where colours are wanted. What a bar shows stands beside it as a number too.
import type { Context } from './command.ts';

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const GREEN = '\u001b[32m';
const RESET = '\u001b[0m';

/** A bar `width` characters long for `share` (0 to 1), padded with blanks; what is not nothing shows at least an eighth. */
export function bar(share: number, width: number): string {
  const eighths = share <= 0 ? 0 : Math.max(1, Math.round(Math.min(1, share) * width * 8));
  return `${'█'.repeat(Math.floor(eighths / 8))}${EIGHTHS[eighths % 8] ?? ''}`.padEnd(width);
}

/** When something went on: from one share of the whole to another, `width` characters in all; what was short shows at least half a one. */
export function span(from: number, to: number, width: number): string {
  const halves = (share: number): number => Math.round(Math.min(1, Math.max(0, share)) * width * 2);
  const start = Math.min(halves(from), 2 * width - 1);
  const end = Math.max(start + 1, halves(to));
  const cells = Array.from({ length: width }, (_, i) => {
    const [left, right] = [start <= 2 * i && 2 * i < end, start <= 2 * i + 1 && 2 * i + 1 < end];
    return left && right ? '█' : left ? '▌' : right ? '▐' : ' ';
  });
  return cells.join('');
}

/** How bars are drawn for this context: undefined into pipes and files, where there are none. */
export function barsFor(ctx: Pick<Context, 'stdout' | 'env'>): ((share: number) => string) | undefined {
  if (!ctx.stdout.isTTY) return undefined;
  const width = Math.max(8, Math.min(24, Math.floor((ctx.stdout.columns ?? 80) / 4)));
  return ctx.env['NO_COLOR'] ? (share) => bar(share, width) : (share) => `${GREEN}${bar(share, width)}${RESET}`;
}
