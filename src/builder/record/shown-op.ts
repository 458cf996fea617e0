// An operation as it may be kept and told: without the credentials that an address may have.
import type { Op } from '../../graph/index.ts';
import { withoutCredentials } from '../../remote/index.ts';

export const shownOp = (op: Op): Op =>
  op.kind === 'source' && (op.git || op.http) ? { ...op, identifier: withoutCredentials(op.identifier) } : op;
