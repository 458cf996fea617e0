// The build graph as data: operations and nodes. No file, process or network is touched here.
export { Graph, type Node, type NodeMeta, type StepLimits, topological } from './node.ts';
export type * from './op.ts';
