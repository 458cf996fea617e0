// Gathers what the checks find.
import type { SourceRange } from '../../model/index.ts';
import { diagnose, type Diagnostic } from '../diagnostic.ts';
import type { SourceFile } from '../errors.ts';
import type { CheckConfig } from './config.ts';
import { RULES, type RuleName } from './rules.ts';

export class Reporter {
  readonly found: Diagnostic[] = [];
  readonly #file: SourceFile;
  readonly #config: CheckConfig;

  constructor(file: SourceFile, config: CheckConfig) {
    this.#file = file;
    this.#config = config;
  }

  tell(rule: RuleName, range: SourceRange, message: string): void {
    if (this.#config.applies(rule)) this.found.push(diagnose(this.#file, rule, RULES[rule].description, message, range));
  }
}

export const didYouMean = (near: string | undefined): string => (near === undefined ? '' : ` (did you mean ${near}?)`);
