// The build checks: what is worth a warning in a Dockerfile that builds. Nothing is read and nothing is built; what the base images
// are like is the caller's to say.
import type { Diagnostic } from '../diagnostic.ts';
import { type Dockerfile, resolveStage } from '../stages.ts';
import { checkConfig } from './config.ts';
import { checkFile, type FileFacts } from './file.ts';
import { Reporter } from './reporter.ts';
import { RULES, type RuleName } from './rules.ts';
import { checkStage, type StageEnd, type StageFacts } from './stage.ts';

export { ruleUrl } from './rules.ts';
export type { RuleName } from './rules.ts';

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

export interface CheckResult {
  readonly warnings: readonly Diagnostic[];
  /** The rules for which the file asks that the build fails. */
  readonly violated: readonly string[];
}

/** Makes all checks of a file that parses. Throws SlipwayError 'dockerfile.check' for a directive that cannot be read. */
export function checkDockerfile(dockerfile: Dockerfile, o: CheckOptions): CheckResult {
  const config = checkConfig(dockerfile, o.config);
  const to = new Reporter(dockerfile, config);
  const ends = new Map<number, StageEnd>();
  for (const stage of dockerfile.stages) {
    const facts = o.stages.get(stage.index);
    if (!facts) continue;
    const parent = resolveStage(dockerfile, stage.from.base, stage.index);
    const inherited = parent && ends.get(parent.index);
    const begin: StageEnd = inherited ?? { env: new Map(facts.env), shell: facts.shell, workdirSet: false };
    ends.set(
      stage.index,
      checkStage(dockerfile, stage, begin, o.globals, o.buildArgs, (path) => o.isIgnored(path), to),
    );
  }
  checkFile(dockerfile, o, to);
  const parsed = dockerfile.diagnostics.filter((d) => !Object.hasOwn(RULES, d.rule) || config.applies(d.rule as RuleName));
  const warnings = [...parsed, ...to.found];
  return { warnings, violated: config.error ? [...new Set(warnings.map((w) => w.rule))].sort() : [] };
}
