// Errors as BuildKit's clients know them: a code, and the place in the Dockerfile as a detail, from which buildx shows its excerpt.
import { isSlipwayError, type SlipwayError, type SourceExcerpt } from '../model/index.ts';
import { Code, type Detail, GrpcError } from '../protocol/index.ts';

const CODES: Readonly<Record<SlipwayError['kind'], number>> = {
  'invalid-argument': Code.invalidArgument,
  'not-found': Code.notFound,
  'already-exists': Code.alreadyExists,
  conflict: Code.failedPrecondition,
  'no-space': Code.resourceExhausted,
  'failed-precondition': Code.failedPrecondition,
  'permission-denied': Code.permissionDenied,
  'process-failed': Code.unknown,
  'data-loss': Code.dataLoss,
  unavailable: Code.unavailable,
  unsupported: Code.unimplemented,
  cancelled: Code.cancelled,
  internal: Code.internal,
};

export function grpcError(error: unknown): GrpcError {
  if (error instanceof GrpcError) return error;
  if (!isSlipwayError(error)) return new GrpcError(Code.unknown, error instanceof Error ? error.message : String(error));
  const hints = error.hints.map((hint) => `\nhint: ${hint}`).join('');
  return new GrpcError(CODES[error.kind], `${error.message}${hints}`, error.source ? [sourceDetail(error.source)] : []);
}

/** The value is what Go's encoding/json makes of errdefs.Source, and no protobuf (buildkit, util/grpcerrors). */
function sourceDetail({ file, text, range }: SourceExcerpt): Detail {
  const json = {
    info: { filename: file, data: Buffer.from(text).toString('base64'), language: 'Dockerfile' },
    ranges: [{ start: positionOf(range.start), end: positionOf(range.end) }],
  };
  return { typeUrl: 'github.com/moby/buildkit/errdefs.Source+json', value: Buffer.from(JSON.stringify(json)) };
}

export const positionOf = ({ line, column }: SourceExcerpt['range']['start']): { line: number; character: number } => ({
  line,
  character: column,
});
