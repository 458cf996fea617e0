// What `build --plan` prints: text for people, dot and mermaid for drawings, JSON for programs.
import type { Plan, PlannedStep } from '../../engine/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { type BoxOptions, boxes } from './plan-boxes.ts';
import { FATES, planSum } from './plan-words.ts';

const FORMATS: Readonly<Record<string, (plan: Plan, terminal: BoxOptions) => string>> = {
  text,
  boxes,
  dot,
  mermaid,
  json: (plan) => `${JSON.stringify(plan, null, 2)}\n`,
};

/** @param isTerminal where no format is asked for, a terminal gets boxes. @throws invalid-argument 'flag.plan' for a format that there is not */
export function planFormat(format: string, isTerminal: boolean): (plan: Plan, terminal: BoxOptions) => string {
  const name = format === 'auto' || format === 'true' ? (isTerminal ? 'boxes' : 'text') : format;
  const found = Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined;
  if (found === undefined)
    throw new SlipwayError('invalid-argument', 'flag.plan', `invalid format ${JSON.stringify(format)} of a plan`, {
      hints: [`--plan=${Object.keys(FORMATS).join('|')}`],
    });
  return found;
}

function text(plan: Plan): string {
  const lines: string[] = [];
  const numbers = new Map(plan.steps.map((s, i) => [s.id, i + 1]));
  for (const stage of plan.stages) {
    const of = plan.steps.filter((s) => s.stage === stage.name);
    lines.push(
      `stage ${stage.name} (FROM ${stage.base})${stage.needed ? '' : `: skipped, ${stage.reason ?? ''}`}${stage.builder === undefined ? '' : ` on ${stage.builder}`}`,
    );
    for (const s of of) lines.push(...stepLines(s, numbers));
  }
  const rest = plan.steps.filter((s) => !plan.stages.some((stage) => stage.name === s.stage));
  if (rest.length > 0) lines.push('from outside', ...rest.flatMap((s) => stepLines(s, numbers)));
  lines.push('', planSum(plan));
  return `${lines.join('\n')}\n`;
}

function stepLines(s: PlannedStep, numbers: ReadonlyMap<string, number>): string[] {
  const inputs = s.inputs.map((id) => `#${numbers.get(id)}`).join(' ');
  const head = `  ${FATES[s.fate].padEnd(7)} #${numbers.get(s.id)} ${s.name}${inputs === '' ? '' : `  <- ${inputs}`}`;
  return s.reason === undefined ? [head] : [head, `          ${s.reason}`];
}

const COLORS: Readonly<Record<PlannedStep['fate'], string>> = { source: '#dddddd', cached: '#b7d7f0', run: '#f6c28b', maybe: '#fbe3c8' };

/** For Graphviz. */
function dot(plan: Plan): string {
  const quoted = (s: string): string => `"${s.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
  const node = (s: PlannedStep): string => `${quoted(s.id)} [label=${quoted(s.name)}, fillcolor=${quoted(COLORS[s.fate])}];`;
  const lines = ['digraph build {', '  rankdir=LR;', '  node [shape=box, style=filled, fontname="monospace"];'];
  plan.stages.forEach((stage, i) => {
    lines.push(`  subgraph cluster_${i} {`, `    label=${quoted(stage.needed ? stage.name : `${stage.name} (skipped)`)};`);
    if (!stage.needed) lines.push('    style=dashed;', `    ${quoted(`skipped:${stage.name}`)} [label="not needed", style=dashed];`);
    for (const s of plan.steps.filter((step) => step.stage === stage.name)) lines.push(`    ${node(s)}`);
    lines.push('  }');
  });
  for (const s of plan.steps) if (!plan.stages.some((stage) => stage.name === s.stage)) lines.push(`  ${node(s)}`);
  for (const s of plan.steps) for (const input of s.inputs) lines.push(`  ${quoted(input)} -> ${quoted(s.id)};`);
  return `${[...lines, '}'].join('\n')}\n`;
}

function mermaid(plan: Plan): string {
  const ids = new Map(plan.steps.map((s, i) => [s.id, `s${i + 1}`]));
  const escaped = (s: string): string =>
    s.replaceAll('&', '#amp;').replaceAll('"', '#quot;').replaceAll('<', '#lt;').replaceAll('>', '#gt;').replaceAll('\n', ' ');
  const node = (s: PlannedStep): string => `${ids.get(s.id)}["${escaped(s.name)}"]:::${s.fate}`;
  const lines = ['flowchart LR'];
  plan.stages.forEach((stage, i) => {
    lines.push(`  subgraph g${i + 1}["${escaped(stage.needed ? stage.name : `${stage.name} (skipped)`)}"]`);
    if (!stage.needed) lines.push(`    x${i + 1}["not needed"]`);
    for (const s of plan.steps.filter((step) => step.stage === stage.name)) lines.push(`    ${node(s)}`);
    lines.push('  end');
  });
  for (const s of plan.steps) if (!plan.stages.some((stage) => stage.name === s.stage)) lines.push(`  ${node(s)}`);
  for (const s of plan.steps) for (const input of s.inputs) lines.push(`  ${ids.get(input)} --> ${ids.get(s.id)}`);
  for (const [fate, color] of Object.entries(COLORS)) lines.push(`  classDef ${fate} fill:${color},stroke:#555,color:#000`);
  return `${lines.join('\n')}\n`;
}
