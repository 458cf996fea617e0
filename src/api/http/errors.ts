// From errors to Docker's statuses: `{"message": "…"}` with the status that dockerd has for this kind of failure.
import { isSlipwayError, type SlipwayError } from '../../model/index.ts';
import { firstError } from '../../util/index.ts';

const BY_KIND: Readonly<Record<SlipwayError['kind'], number>> = {
  'not-found': 404,
  'already-exists': 409,
  'invalid-argument': 400,
  'failed-precondition': 409,
  'permission-denied': 403,
  unavailable: 500,
  conflict: 409,
  cancelled: 500,
  'no-space': 500,
  'data-loss': 500,
  unsupported: 501,
  internal: 500,
  'process-failed': 500,
};

/** Where Docker's status is another one than that of the kind. */
const BY_CODE: Readonly<Record<string, number>> = {
  'network.predefined': 403,
  'network.in-use': 403,
  'network.driver': 404,
  'copy.refused': 400,
  'container.readonly': 403,
  'api.no-swarm': 503,
  'api.unauthorized': 401,
};

export interface Failure {
  readonly status: number;
  readonly message: string;
}

/** What a client is told of an error. Never a stack: what is no error of ours is told by its message. */
export function failureOf(error: unknown): Failure {
  const e = firstError(error);
  if (!isSlipwayError(e)) return { status: 500, message: e instanceof Error ? e.message : String(e) };
  return { status: statusOf(e), message: e.message };
}

function statusOf(e: SlipwayError): number {
  if (Object.hasOwn(BY_CODE, e.code)) return BY_CODE[e.code]!;
  // what a client sent is no archive
  if (e.kind === 'data-loss' && e.code.startsWith('archive.')) return 400;
  // a program that cannot be started: dockerd takes it for a wrong request, and its clients read 126 or 127 out of the message
  if (e.kind === 'process-failed' && (e.exitCode === 126 || e.exitCode === 127)) return 400;
  return BY_KIND[e.kind];
}
