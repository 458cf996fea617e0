// Errors of a build say which instruction they come from.
import type { Instruction } from '../dockerfile/index.ts';
import { isSlipwayError, SlipwayError, type SourceExcerpt } from '../model/index.ts';

export const sourceOf = (i: Instruction): SourceExcerpt => ({ file: i.file.name, text: i.file.text, range: i.range });

/** The error with the place that it comes from, unless it has one or is none of ours. */
export function placed(e: unknown, source: SourceExcerpt | undefined): unknown {
  if (!isSlipwayError(e) || e.source || !source) return e;
  const { kind, code, message, hints, exitCode } = e;
  return new SlipwayError(kind, code, message, { hints, cause: e, source, ...(exitCode !== undefined && { exitCode }) });
}
