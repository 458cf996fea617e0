// An operation as it may be kept and told: without the credentials that an address may have.
import type { Op } from '../../graph/index.ts';
import { withoutCredentials } from '../../remote/index.ts';

/** The same for those that get the image: nothing in it stands for the content of a secret. */
export function statedOp(op: Op): Op {
  const shown = shownOp(op);
  if (shown.kind !== 'exec') return shown;
  return { ...shown, mounts: shown.mounts.map(({ content: _, ...mount }) => mount) };
}

export const shownOp = (op: Op): Op =>
  op.kind === 'source' && (op.git || op.http) ? { ...op, identifier: withoutCredentials(op.identifier) } : op;
