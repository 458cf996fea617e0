// An LLB definition (buildkit, solver/pb/ops.proto): operations by the digests of their bytes, the last of which only points at the result.
import { createHash } from 'node:crypto';
import { type Op, OpSchema } from '../gen/ops_pb.ts';
import { decode } from '../grpc/server.ts';
import { Code, GrpcError } from '../grpc/status.ts';

/** A definition as data, which a process can hand to another. */
export interface Llb {
  readonly def: readonly Uint8Array[];
  /** What operations are called, and which are to be executed whatever the cache has, by digest. */
  readonly names: Readonly<Record<string, string>>;
  readonly noCache: readonly string[];
}

export interface LlbOp {
  readonly digest: string;
  readonly op: Op;
}

/** Operations; buildkit itself knows no limit but that of a message. */
const MOST_OPS = 200_000;

const invalid = (message: string): GrpcError => new GrpcError(Code.invalidArgument, `invalid LLB definition: ${message}`);

/**
 * The operations that the result needs, inputs before what reads them, and the one that is the result with the index of its output; no
 * result for an empty definition. @throws GrpcError for what is no definition
 */
export function readDefinition({ def }: Pick<Llb, 'def'>): {
  readonly ops: readonly LlbOp[];
  readonly result?: { readonly digest: string; readonly index: number };
} {
  if (def.length > MOST_OPS) throw invalid(`more than ${MOST_OPS} operations`);
  const all = new Map<string, Op>();
  let last: Op | undefined;
  for (const bytes of def) {
    last = decode(OpSchema, bytes);
    all.set(`sha256:${createHash('sha256').update(bytes).digest('hex')}`, last);
  }
  if (last === undefined) return { ops: [] };
  const [pointer] = last.inputs;
  if (last.op.case !== undefined || pointer === undefined || last.inputs.length !== 1)
    throw invalid('its last operation does not point at a result');
  return { ops: ordered(all, pointer.digest), result: { digest: pointer.digest, index: Number(pointer.index) } };
}

/** Without recursion: a chain may have thousands. Nothing can be its own input, since inputs are named by digests. */
function ordered(all: ReadonlyMap<string, Op>, from: string): LlbOp[] {
  const out: LlbOp[] = [];
  const done = new Set<string>();
  const stack: { readonly digest: string; readonly op: Op; next: number }[] = [];
  const enter = (digest: string): void => {
    if (done.has(digest)) return;
    const op = all.get(digest);
    if (op === undefined) throw invalid(`there is no operation ${digest}`);
    done.add(digest);
    stack.push({ digest, op, next: 0 });
  };
  enter(from);
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const input = top.op.inputs[top.next++];
    if (input) enter(input.digest);
    else {
      out.push({ digest: top.digest, op: top.op });
      stack.pop();
    }
  }
  return out;
}
