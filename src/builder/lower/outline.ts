// What can be given to the build of a target, noted while its stages are lowered: arguments, secrets and agents.
import { type ArgInstruction, type Dockerfile, expandWord, type Instruction, type RunMount } from '../../dockerfile/index.ts';
import type { SourceRange } from '../../model/index.ts';

export interface OutlineArg {
  readonly name: string;
  readonly value?: string;
  /** The comments above the instruction. */
  readonly comments: readonly string[];
  readonly range: SourceRange;
}

export interface OutlineMount {
  readonly name: string;
  readonly required: boolean;
  readonly range: SourceRange;
}

export interface Outline {
  readonly args: readonly OutlineArg[];
  readonly secrets: readonly OutlineMount[];
  readonly ssh: readonly OutlineMount[];
}

/** Of one stage. */
export class StageOutline {
  readonly args = new Map<string, OutlineArg>();
  readonly secrets = new Map<string, OutlineMount>();
  readonly ssh = new Map<string, OutlineMount>();
  /** Arguments that FROM uses or ARG declares. */
  readonly used: Set<string>;
  /** The stages that it is made from or copies from. */
  readonly needs = new Set<StageOutline>();

  constructor(used: Iterable<string>) {
    this.used = new Set(used);
  }

  /** An ARG of the stage; one that takes over a global argument is described there. */
  arg(i: ArgInstruction, name: string, value: string | undefined, inherited: boolean): void {
    this.used.add(name);
    if (!inherited) this.args.set(name, argOf(i, name, value));
  }

  mount({ range }: Instruction, mount: RunMount): void {
    if (mount.type !== 'secret' && mount.type !== 'ssh') return;
    const all = mount.type === 'secret' ? this.secrets : this.ssh;
    if (!all.has(mount.id)) all.set(mount.id, { name: mount.id, required: mount.required, range });
  }
}

const argOf = ({ node, range }: ArgInstruction, name: string, value: string | undefined): OutlineArg => ({
  name,
  ...(value !== undefined && { value }),
  comments: node.comments,
  range,
});

/** The outline of a target, in the order of the lines. */
export function outlineOf(
  target: StageOutline,
  dockerfile: Dockerfile,
  globals: ReadonlyMap<string, string>,
  buildArgs: Readonly<Record<string, string>>,
): Outline {
  const global = globalArgsOf(dockerfile, globals, buildArgs);
  const args = new Map<string, OutlineArg>();
  const secrets = new Map<string, OutlineMount>();
  const ssh = new Map<string, OutlineMount>();
  // a set goes through what is added while it does
  const stages = new Set([target]);
  for (const stage of stages) {
    const names = new Set(stage.used);
    for (const name of names) {
      const own = stage.args.get(name);
      if (own === undefined) for (const dep of global.get(name)?.deps ?? []) names.add(dep);
      const found = own ?? global.get(name)?.arg;
      if (found && !args.has(name)) args.set(name, found);
    }
    for (const [name, mount] of stage.secrets) if (!secrets.has(name)) secrets.set(name, mount);
    for (const [name, mount] of stage.ssh) if (!ssh.has(name)) ssh.set(name, mount);
    for (const needed of stage.needs) stages.add(needed);
  }
  const byLine = <T extends { readonly range: SourceRange }>(map: ReadonlyMap<string, T>): T[] =>
    [...map.values()].sort((a, b) => a.range.start.line - b.range.start.line);
  return { args: byLine(args), secrets: byLine(secrets), ssh: byLine(ssh) };
}

interface GlobalArg {
  readonly arg: OutlineArg;
  /** What its default is made of. */
  readonly deps: ReadonlySet<string>;
}

/** Of an argument that is declared twice the last declaration counts; its default may use the one before. */
function globalArgsOf(
  dockerfile: Dockerfile,
  globals: ReadonlyMap<string, string>,
  buildArgs: Readonly<Record<string, string>>,
): Map<string, GlobalArg> {
  const out = new Map<string, GlobalArg>();
  for (const i of dockerfile.metaArgs) {
    for (const { key, value } of i.args) {
      const given = Object.hasOwn(buildArgs, key);
      const used = given || value === undefined ? [] : expandWord(value, globals, { escape: dockerfile.escape }).used;
      const deps = new Set(used);
      if (deps.delete(key)) for (const dep of out.get(key)?.deps ?? []) deps.add(dep);
      out.set(key, { arg: argOf(i, key, value === undefined && !given ? undefined : globals.get(key)), deps });
    }
  }
  return out;
}
