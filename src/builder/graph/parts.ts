// A graph in parts for several builders: what stands on one another stays together, since layers do not travel; what only reads some files of another
// may be elsewhere, and gets those files. Pure.
import { type FileAction, Graph, type Node, topological } from '../../graph/index.ts';

export interface Part {
  /** What it is called where builders are chosen by it. */
  readonly group: string;
  readonly node: Node;
  /** What others read of it: absolute. Left out for the one that is the result. */
  readonly paths?: readonly string[];
  /** Those whose files it reads. */
  readonly needs: readonly Part[];
}

/** The paths that a node reads of an input, and nothing else of it; undefined when it stands on it, or reads all of it. */
function pathsRead({ op }: Node, input: number): readonly string[] | undefined {
  if (input === 0 || op.kind === 'merge' || op.kind === 'diff') return undefined;
  const words =
    op.kind === 'file'
      ? op.actions.flatMap((a) => (a.action === 'copy' && a.input === input ? a.sources : []))
      : op.kind === 'exec'
        ? op.mounts.flatMap((m) => (m.input === input ? [m.selector ?? '/'] : []))
        : [];
  const paths = words.map(plainPath);
  return paths.includes('/') ? undefined : [...new Set(paths)];
}

/** What a pattern lies in: it is for the one who reads to choose among that. */
function plainPath(text: string): string {
  const parts: string[] = [];
  for (const part of text.split('/')) {
    if (/[*?[\\]/.test(part)) break;
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

const isSource = ({ op }: Node): boolean => op.kind === 'source';

/** The group of each step: named by the stage that it begins with. */
export function groupsOf(target: Node): ReadonlyMap<Node, string> {
  const nodes = topological([target]).filter((n) => !isSource(n));
  const leader = new Map<Node, Node>(nodes.map((n) => [n, n]));
  const find = (node: Node): Node => {
    let top = node;
    for (let next = leader.get(top); next !== undefined && next !== top; next = leader.get(top)) top = next;
    leader.set(node, top);
    return top;
  };
  const place = new Map(nodes.map((n, i) => [n, i]));
  for (const node of nodes)
    for (const [i, input] of node.inputs.entries()) {
      if (isSource(input) || pathsRead(node, i) !== undefined) continue;
      const [a, b] = [find(node), find(input)];
      // the earliest leads, so that a group is called the same whatever comes after it
      if ((place.get(a) ?? 0) < (place.get(b) ?? 0)) leader.set(b, a);
      else leader.set(a, b);
    }
  return new Map(nodes.map((n) => [n, find(n).meta.stage ?? '']));
}

/** @param placeOf where a group is built: groups of one place are one part. @returns what others need before those; the result last */
export function partsOf(target: Node, placeOf: (group: string) => string): Part[] {
  const groups = groupsOf(target);
  const place = (node: Node): string => placeOf(groups.get(node) ?? '');
  const crosses = (node: Node, input: Node): boolean => !isSource(input) && place(node) !== place(input);
  const order = topological([target]);
  const read = new Map<Node, Set<string>>();
  for (const node of order)
    for (const [i, input] of node.inputs.entries()) {
      if (!crosses(node, input)) continue;
      const paths = read.get(input) ?? new Set();
      read.set(input, paths);
      for (const path of pathsRead(node, i) ?? []) paths.add(path);
    }
  const parts = new Map<Node, Part>();
  for (const node of order) {
    const paths = read.get(node);
    if (paths === undefined && node !== target) continue;
    const group = groups.get(node) ?? '';
    const needs = neededBy(node, crosses).map((n) => parts.get(n) as Part);
    parts.set(node, { group, node, needs, ...(node !== target && { paths: withoutInner([...(paths ?? [])]) }) });
  }
  return [...parts.values()];
}

/** What lies in another one of the paths comes with that. */
const withoutInner = (paths: readonly string[]): string[] =>
  paths.filter((path) => !paths.some((other) => other !== path && path.startsWith(`${other}/`))).sort();

/** The nodes of other places that are read to make a node. */
function neededBy(node: Node, crosses: (node: Node, input: Node) => boolean): Node[] {
  const found = new Set<Node>();
  const seen = new Set([node]);
  for (const at of seen)
    for (const input of at.inputs)
      if (crosses(at, input)) found.add(input);
      else seen.add(input);
  return [...found];
}

/** The graph of a part, in which the files of others are folders. @param folderOf how one is called */
export function graphOfPart(part: Part, folderOf: (part: Part) => string): Node {
  const graph = new Graph();
  const folders = new Map(part.needs.map((p) => [p.node, p]));
  const made = new Map<Node, Node>();
  for (const node of topological([part.node])) {
    // what a part needs is not built again for it, and neither is what that stands on: nothing leads there any more
    const inputs = node.inputs.map((input) => {
      const other = folders.get(input);
      const name = `[internal] load files of ${other?.group ?? ''}`;
      return other === undefined
        ? (made.get(input) as Node)
        : graph.node({ kind: 'source', identifier: `local://${folderOf(other)}` }, [], { name, noCache: false });
    });
    made.set(node, graph.node(node.op, inputs, node.meta));
  }
  const whole = made.get(part.node) as Node;
  if (part.paths === undefined) return whole;
  const scratch = graph.node({ kind: 'source', identifier: 'scratch' }, [], { name: 'scratch', noCache: false });
  const actions = part.paths.map((path): FileAction => ({
    action: 'copy',
    instruction: 'COPY',
    input: 1,
    from: 'stage',
    sources: [path],
    files: [],
    destination: path,
    workdir: '/',
    parents: false,
    link: false,
    excludes: [],
  }));
  return graph.node({ kind: 'file', actions }, [scratch, whole], { name: `[internal] take ${part.paths.join(', ')}`, noCache: false });
}
