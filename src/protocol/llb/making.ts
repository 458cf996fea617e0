// How the parts that know one kind of operation make nodes of the graph.
import type { Node, Op } from '../../graph/index.ts';

export interface Making {
  readonly scratch: Node;
  node(op: Op, inputs: readonly Node[], name: string): Node;
  /** A node that can be changed: what is read where it lies is copied first. */
  base(node: Node): Node;
}
