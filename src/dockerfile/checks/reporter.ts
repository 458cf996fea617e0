// Gathers what the checks find.
import type { SourceRange } from '../../model/index.ts';
import { diagnose, type Diagnostic } from '../diagnostic.ts';
import type { SourceFile } from '../errors.ts';
import type { InstructionBase } from '../instructions/base.ts';
import { applies, type CheckConfig, withComments } from './config.ts';
import { RULES, type RuleName } from './rules.ts';

export class Reporter {
  readonly found: Diagnostic[];
  readonly #file: SourceFile;
  readonly #config: CheckConfig;

  constructor(file: SourceFile, config: CheckConfig, found: Diagnostic[] = []) {
    this.#file = file;
    this.#config = config;
    this.found = found;
  }

  /** For an instruction, whose comments may skip rules. */
  for(i: Pick<InstructionBase<string>, 'node' | 'file'>): Reporter {
    return this.#with(i.file, withComments(this.#config, i.node.comments));
  }

  /** For an instruction, whatever its comments say. */
  in({ file }: { readonly file: SourceFile }): Reporter {
    return this.#with(file, this.#config);
  }

  #with(file: SourceFile, config: CheckConfig): Reporter {
    return config === this.#config && file === this.#file ? this : new Reporter(file, config, this.found);
  }

  report(rule: RuleName, range: SourceRange, message: string): void {
    if (applies(this.#config, rule)) this.found.push(diagnose(this.#file, rule, RULES[rule].description, message, range));
  }
}

export const didYouMean = (near: string | undefined): string => (near === undefined ? '' : ` (did you mean ${near}?)`);
