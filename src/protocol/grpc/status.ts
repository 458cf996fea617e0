// How gRPC says that a call failed: a code, a message, and details as messages of their own (grpc/doc/PROTOCOL-HTTP2.md, statuscodes.md).
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { StatusSchema } from '../gen/status_pb.ts';

/** Codes by the names of `SlipwayError` kinds, where there is one. */
export const Code = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

/** One of the details of a status: google.protobuf.Any. */
export interface Detail {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

export class GrpcError extends Error {
  readonly code: number;
  readonly details: readonly Detail[];

  constructor(code: number, message: string, details: readonly Detail[] = []) {
    super(message);
    this.name = 'GrpcError';
    this.code = code;
    this.details = details;
  }
}

/** The trailers that end a call. */
export function trailersOf(error: GrpcError | undefined): Record<string, string> {
  if (error === undefined) return { 'grpc-status': '0' };
  const { code, message, details } = error;
  const status = create(StatusSchema, { code, message, details: details.map((d) => ({ typeUrl: d.typeUrl, value: d.value })) });
  return {
    'grpc-status': String(code),
    'grpc-message': encodeMessage(message),
    ...(details.length > 0 && { 'grpc-status-details-bin': Buffer.from(toBinary(StatusSchema, status)).toString('base64') }),
  };
}

/** The error that headers or trailers tell of; undefined for success. */
export function errorFrom(trailers: Readonly<Record<string, unknown>>): GrpcError | undefined {
  const code = Number(trailers['grpc-status']);
  if (code === Code.ok) return undefined;
  const message = decodeMessage(String(trailers['grpc-message'] ?? ''));
  const bin = trailers['grpc-status-details-bin'];
  if (typeof bin !== 'string') return new GrpcError(Number.isInteger(code) ? code : Code.unknown, message);
  try {
    const { details } = fromBinary(StatusSchema, Buffer.from(bin, 'base64'));
    return new GrpcError(code, message, details);
  } catch {
    return new GrpcError(code, message);
  }
}

/** Percent-encoding of what is not printable ASCII, of UTF-8. */
function encodeMessage(text: string): string {
  let out = '';
  for (const byte of Buffer.from(text))
    out +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25 ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  return out;
}

function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
