// Errors of a build say which instruction they come from.
import type { Instruction } from '../dockerfile/index.ts';
import { isSlipwayError, SlipwayError, type SourceExcerpt } from '../model/index.ts';
import { whyNoPath } from '../sys/index.ts';

export const sourceOf = (i: Instruction): SourceExcerpt => ({ file: i.file.name, text: i.file.text, range: i.range });

/**
 * The error with the place that it comes from, unless it has one or is none of ours. A system error is ours when it is the path's fault:
 * paths come from the Dockerfile and from links of images.
 */
export function placed(e: unknown, source: SourceExcerpt | undefined): unknown {
  const error = isSlipwayError(e) ? e : pathFault(e);
  return error === undefined ? e : error.source || !source ? error : error.withContext({ source });
}

function pathFault(cause: unknown): SlipwayError | undefined {
  const reason = whyNoPath(cause);
  const { path } = cause as NodeJS.ErrnoException;
  if (reason === undefined || path === undefined) return undefined;
  return new SlipwayError('invalid-argument', 'path.unusable', `lstat ${path}: ${reason}`, { cause });
}
