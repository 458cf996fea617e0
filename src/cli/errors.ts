// What a user is told of a failure: one clear line, where, and what to do about it; never a stack trace for a mistake of theirs.
// Exit codes are decided here.
import { isSlipwayError, type SlipwayError } from '../model/index.ts';
import type { Context } from './command.ts';
import { firstError, printable } from '../util/index.ts';
import { renderExcerpt } from './excerpt.ts';
import { pageOfError } from './pages.ts';

/** Prints an error and says which exit code it asks for; `usual` is the command's own. */
export function reportError(ctx: Pick<Context, 'stderr' | 'settings' | 'env'>, error: unknown, usual: number): number {
  const e = firstError(error);
  if (isSlipwayError(e)) return reportKnown(ctx, e, usual);
  const { code, syscall, path } = e as NodeJS.ErrnoException;
  if (code === 'EPIPE') return 0;
  if (e instanceof Error && e.name === 'AbortError') return 130;
  const known = code === undefined ? undefined : SYSTEM[code];
  if (known) {
    tell(ctx, `${known.message}${path === undefined ? '' : `: ${path}`}`, known.hints);
    return usual;
  }
  const message = e instanceof Error ? e.message : String(e);
  tell(
    ctx,
    syscall === undefined ? `${message} (this is a bug in slipway)` : message,
    syscall === undefined ? ['run it again with SLIPWAY_DEBUG=1 to see where'] : [],
  );
  if (ctx.env['SLIPWAY_DEBUG'] && e instanceof Error) ctx.stderr.write(`${e.stack}\n`);
  return usual;
}

const SYSTEM: Readonly<Record<string, { message: string; hints: readonly string[] }>> = {
  ENOSPC: {
    message: 'no space left on device',
    hints: ['free some with: slipway system prune', 'or put the store elsewhere with SLIPWAY_ROOT'],
  },
  EDQUOT: { message: 'disk quota exceeded', hints: ['free some with: slipway system prune'] },
  EACCES: { message: 'permission denied', hints: ['builds and containers need root: try again with sudo'] },
  EPERM: { message: 'operation not permitted', hints: ['builds and containers need root: try again with sudo'] },
  EROFS: { message: 'read-only file system', hints: ['choose another folder with SLIPWAY_ROOT'] },
  ENOENT: { message: 'no such file or directory', hints: [] },
  EISDIR: { message: 'is a directory', hints: [] },
  ENOTDIR: { message: 'not a directory', hints: [] },
  EMFILE: { message: 'too many open files', hints: ['raise the limit with ulimit -n'] },
};

function reportKnown(ctx: Pick<Context, 'stderr' | 'settings'>, e: SlipwayError, usual: number): number {
  if (e.kind === 'cancelled') {
    ctx.stderr.write(`${printable(e.message)}\n`);
    return 130;
  }
  if (e.source) ctx.stderr.write(renderExcerpt(e.source));
  const page = pageOfError(e.code);
  tell(ctx, e.message, page === undefined ? e.hints : [...e.hints, `see ${page}`]);
  return e.exitCode ?? usual;
}

function tell(ctx: Pick<Context, 'stderr' | 'settings'>, message: string, hints: readonly string[]): void {
  const label = ctx.settings.color ? '\u001b[31merror:\u001b[0m' : 'error:';
  const more = `${hints.length > 0 ? '\n' : ''}${hints.map((h) => `hint: ${h}\n`).join('')}`;
  ctx.stderr.write(`${label} ${printable(`${message}\n${more}`)}`);
}
