// Where the steps of a build stand: a lane for each stage, columns by what a step waits for. dagre finds the columns and keeps lines short.
import dagre from '@dagrejs/dagre';
import type { PageStep } from './data.ts';

export interface PlacedStep {
  readonly step: PageStep;
  readonly x: number;
  readonly y: number;
}

export interface Lane {
  readonly stage: string;
  readonly y: number;
  readonly height: number;
}

export interface Lanes {
  readonly width: number;
  readonly height: number;
  readonly lanes: readonly Lane[];
  readonly steps: readonly PlacedStep[];
}

export const BOX = { width: 150, height: 34 };
const GAP = { x: 34, y: 10 };
const LANE_HEAD = 20;
/** dagre's time grows faster than the number of steps: beyond this, columns are counted by hand. */
const MOST_FOR_DAGRE = 600;

export function place(steps: readonly PageStep[]): Lanes {
  const columns = steps.length <= MOST_FOR_DAGRE ? columnsByDagre(steps) : columnsByDepth(steps);
  // what comes last stands below: the target at the bottom
  const last = new Map<string, number>();
  for (const s of steps) last.set(s.stage, Math.max(last.get(s.stage) ?? 0, columns.get(s.id) ?? 0));
  const stages = [...last.keys()].toSorted((a, b) => Number(a !== '') - Number(b !== '') || (last.get(a) ?? 0) - (last.get(b) ?? 0));
  const byStage = Map.groupBy(steps, (s) => s.stage);
  const lanes: Lane[] = [];
  const placed: PlacedStep[] = [];
  let top = 0;
  for (const stage of stages) {
    const rows = new Map<number, number>();
    let deepest = 1;
    for (const step of byStage.get(stage) ?? []) {
      const column = columns.get(step.id) ?? 0;
      const row = rows.get(column) ?? 0;
      rows.set(column, row + 1);
      deepest = Math.max(deepest, row + 1);
      placed.push({ step, x: GAP.x / 2 + column * (BOX.width + GAP.x), y: top + LANE_HEAD + row * (BOX.height + GAP.y) });
    }
    const height = LANE_HEAD + deepest * (BOX.height + GAP.y);
    lanes.push({ stage, y: top, height });
    top += height + 6;
  }
  const furthest = Math.max(0, ...columns.values());
  return { width: (furthest + 1) * (BOX.width + GAP.x), height: top, lanes, steps: placed };
}

function columnsByDagre(steps: readonly PageStep[]): Map<string, number> {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: 'LR', ranksep: 1, nodesep: 1, edgesep: 0 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const s of steps) graph.setNode(s.id, { width: 1, height: 1 });
  for (const s of steps) for (const { id } of s.inputs) if (graph.hasNode(id)) graph.setEdge(id, s.id);
  dagre.layout(graph);
  const xs = [...new Set(steps.map((s) => graph.node(s.id).x ?? 0))].toSorted((a, b) => a - b);
  return new Map(steps.map((s) => [s.id, xs.indexOf(graph.node(s.id).x ?? 0)]));
}

/** One more than the furthest of what it reads. Inputs come before what reads them. */
function columnsByDepth(steps: readonly PageStep[]): Map<string, number> {
  const depth = new Map<string, number>();
  for (const s of steps) depth.set(s.id, Math.max(-1, ...s.inputs.map(({ id }) => depth.get(id) ?? -1)) + 1);
  return depth;
}
