// Where the operations of `build` are worked on: in this process.
import { type Caller, type Operation, type OperationKind, perform, type Reply } from '../../engine/index.ts';
import type { Context } from '../command.ts';

/** @throws what the operation throws */
export async function performBuild<K extends OperationKind>(ctx: Context, operation: Operation<K>, caller: Caller): Promise<Reply<K>> {
  return await perform(await ctx.engine(), operation, caller);
}
