// Where the operations of `build` are worked on: in this process, or in a worker where SLIPWAY_WORKER asks for one.
import {
  type BuildOperationKind,
  type Caller,
  type CallerOf,
  type Operation,
  perform,
  performInWorker,
  type Reply,
} from '../../engine/index.ts';
import type { Context } from '../command.ts';

/** @throws what the operation throws */
export async function performBuild<K extends BuildOperationKind>(ctx: Context, operation: Operation<K>, caller: Caller): Promise<Reply<K>> {
  if (!ctx.settings.worker) return await perform(await ctx.engine(), operation, caller as CallerOf<K>);
  const options = { command: ctx.selfCommand, environment: ctx.env, onText: (text: Buffer) => void ctx.stderr.write(text) };
  return await performInWorker(options, operation, caller as CallerOf<K>);
}
