// `--format`: Go's text/template over JSON, as Docker's commands have it.
import { SlipwayError } from '../../model/index.ts';
import { ExecutionError } from './errors.ts';
import { evaluateTemplate } from './evaluate.ts';
import { parseTemplate } from './parser.ts';
import type { Value } from './values.ts';

export type { Method } from './evaluate.ts';

/**
 * Compiles a template; the function that comes back applies it to one value.
 *
 * @param failure what precedes an error of applying it: `inspect` says "template parsing error" there too
 * @param type the Go type of the value, where Docker has one of its own for it
 * @throws SlipwayError `cli.template`, also from the function
 */
export function compileTemplate(text: string, failure = 'failed to execute template', type?: string): (value: Value) => string {
  const template = parseTemplate(text);
  return (value) => {
    try {
      return evaluateTemplate(template, value, type);
    } catch (e) {
      if (!(e instanceof ExecutionError)) throw e;
      const keys = value !== null && typeof value === 'object' ? Object.keys(value) : [];
      throw new SlipwayError('invalid-argument', 'cli.template', `${failure}: ${e.message}`, {
        hints: /no entry for key|evaluate field/.test(e.message) && keys.length > 0 ? [`there are: ${keys.join(', ')}`] : [],
      });
    }
  };
}
