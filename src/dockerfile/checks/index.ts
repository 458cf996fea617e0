// The build checks: what is worth a warning in a Dockerfile that builds. Nothing is read and nothing is built; what the base images
// are like is the caller's to say.
import type { Diagnostic } from '../diagnostic.ts';
import { isSlipwayError } from '../../model/index.ts';
import type { Instruction } from '../instructions/types.ts';
import { type Dockerfile, parseInstruction, resolveStage, type Stage } from '../stages.ts';
import { applies, type CheckConfig, checkConfig } from './config.ts';
import { checkFile, checkForm, type FileFacts } from './file.ts';
import { Reporter } from './reporter.ts';
import { RULES, type RuleName } from './rules.ts';
import { checkStage, type StageEnd, type StageFacts } from './stage.ts';

export { ruleSlug, ruleUrl } from './rules.ts';
export type { RuleName } from './rules.ts';

/** What the checks have to know of the build. */
export interface CheckOptions extends FileFacts {
  /** What is declared before the first FROM, with its values. */
  readonly globals: ReadonlyMap<string, string>;
  readonly buildArgs: Readonly<Record<string, string>>;
  /** The stages that are built, by number, with what their base images have. Others are looked at for their form only. */
  readonly stages: ReadonlyMap<number, Pick<StageFacts, 'env' | 'shell'>>;
  isIgnored(path: string): boolean;
  /** In the place of the file's own `check` directive. */
  readonly config?: string;
}

/** What was found. */
export interface CheckResult {
  readonly warnings: readonly Diagnostic[];
  /** The rules for which the file asks that the build fails. */
  readonly violated: readonly string[];
}

/**
 * Makes all checks of a file that parses.
 * @throws SlipwayError 'dockerfile.check' for a directive that cannot be read
 */
export function checkDockerfile(dockerfile: Dockerfile, o: CheckOptions): CheckResult {
  const config = checkConfig(dockerfile, o.config);
  const to = new Reporter(dockerfile, config);
  checkForm(dockerfile, to);
  checkFile(dockerfile, o, o.globals, to);
  const ends = new Map<number, StageEnd>();
  for (const stage of dockerfile.stages) {
    const facts = o.stages.get(stage.index);
    if (!facts) continue;
    const parent = resolveStage(dockerfile, stage.from.base, stage.index);
    const inherited = parent && ends.get(parent.index);
    const begin: StageEnd = inherited ?? { env: new Map(facts.env), shell: facts.shell, workdirSet: false };
    const isIgnored = (path: string): boolean => o.isIgnored(path);
    const triggers = parent === undefined ? [] : triggersOf(parent, stage);
    ends.set(stage.index, checkStage(dockerfile, stage, begin, o.globals, o.buildArgs, isIgnored, to, triggers));
  }
  return resultOf(dockerfile, config, to);
}

/** The checks of a file that ends in a mistake: of the instructions before it, one by one. */
export function checkBeginning(dockerfile: Dockerfile, override?: string): CheckResult {
  const config = checkConfig(dockerfile, override);
  const to = new Reporter(dockerfile, config);
  checkForm(dockerfile, to);
  return resultOf(dockerfile, config, to);
}

function resultOf(dockerfile: Dockerfile, config: CheckConfig, to: Reporter): CheckResult {
  const parsed = dockerfile.diagnostics.filter((d) => !Object.hasOwn(RULES, d.rule) || applies(config, d.rule as RuleName));
  const warnings = [...parsed, ...to.found];
  return { warnings, violated: config.error ? [...new Set(warnings.map((w) => w.rule))].sort() : [] };
}

/** What a stage leaves for the one that is FROM it, as instructions of that FROM. One that cannot be read is the build's to report. */
function triggersOf(parent: Stage, { from }: Stage): Instruction[] {
  return parent.commands.flatMap((i) => {
    if (i.kind !== 'ONBUILD') return [];
    try {
      return [{ ...parseInstruction(i.expression), range: from.range, file: from.file }];
    } catch (error) {
      if (isSlipwayError(error)) return [];
      throw error;
    }
  });
}
