// Nodes of the graph: an operation and the nodes that it reads. Two nodes with the same digest are one.
import type { Digest, SourceExcerpt } from '../model/index.ts';
import { sha256Hex } from '../util/index.ts';
import type { Op } from './op.ts';

/** What a program may use of the machine: bytes, processors' worth of time as `run` has it. */
export interface StepLimits {
  readonly memory?: number;
  /** With the memory; -1 for no limit. */
  readonly memorySwap?: number;
  readonly nanoCpus?: number;
  readonly cpuPeriod?: number;
  readonly cpuQuota?: number;
  readonly cpuShares?: number;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
}

/** What is told of a node; nothing of it enters its digest. */
export interface NodeMeta {
  /** `[build 2/3] RUN go build`. */
  readonly name: string;
  readonly stage?: string;
  readonly source?: SourceExcerpt;
  /** Do not look for a cached result. */
  readonly noCache: boolean;
  /** How often a program that fails is tried again, on what it began with. */
  readonly retries?: number;
  /** What a program may use of the machine. */
  readonly limits?: StepLimits;
  /** Environment that a program gets and that does not count for its identity: proxies. */
  readonly hiddenEnv?: readonly string[];
}

export interface Node {
  readonly op: Op;
  readonly inputs: readonly Node[];
  /** Of the operation alone. */
  readonly definition: Digest;
  /** Of the operation and all that it reads. */
  readonly digest: Digest;
  readonly meta: NodeMeta;
}

/** Raised when the same operation gives something else than it did: results that were kept before count no longer. */
const VERSIONS: Readonly<Record<Op['kind'], number>> = { source: 1, exec: 2, file: 5, merge: 1, diff: 1 };

const sha256 = (text: string): Digest => `sha256:${sha256Hex(text)}`;

/** The canonical form of an operation: JSON with keys in order and without undefined ones. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, v]) => v !== undefined);
  return `{${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([k, v]) => `${JSON.stringify(k)}:${canonical(v)}`)
    .join(',')}}`;
}

/** Makes the nodes of one graph, each only once. */
export class Graph {
  readonly #nodes = new Map<string, Node>();

  node(op: Op, inputs: readonly Node[], meta: NodeMeta): Node {
    const definition = sha256(`${VERSIONS[op.kind]} ${canonical(op)}`);
    const digest = sha256([definition, ...inputs.map((i) => i.digest), meta.noCache ? 'no-cache' : ''].join('\n'));
    const known = this.#nodes.get(digest);
    if (known) return known;
    const made: Node = Object.freeze({ op: Object.freeze(op), inputs: Object.freeze([...inputs]), definition, digest, meta });
    this.#nodes.set(digest, made);
    return made;
  }
}

/** Every node that the given ones need, inputs before what reads them. */
export function topological(targets: readonly Node[]): Node[] {
  const done = new Set<Node>();
  const stack: { node: Node; next: number }[] = [];
  const out: Node[] = [];
  for (const target of targets) {
    if (done.has(target)) continue;
    done.add(target);
    stack.push({ node: target, next: 0 });
    // no recursion: a chain may have thousands of nodes
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const input = top.node.inputs[top.next++];
      if (!input) {
        out.push(top.node);
        stack.pop();
      } else if (!done.has(input)) {
        done.add(input);
        stack.push({ node: input, next: 0 });
      }
    }
  }
  return out;
}
