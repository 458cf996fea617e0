// Errors of templates, in the words and with the places that Go gives.
import { SlipwayError } from '../../model/index.ts';
import { type Command, type Operand, type Pipeline, written, writtenCommand } from './syntax.ts';

const HINTS = ["a template is text with actions such as '{{.ID}}' or '{{json .}}'"];

const lineOf = (text: string, at: number): number => text.slice(0, at).split('\n').length;

/** The template cannot be read. */
export function parseError(text: string, at: number, message: string): SlipwayError {
  return new SlipwayError('invalid-argument', 'cli.template', `template parsing error: template: :${lineOf(text, at)}: ${message}`, {
    hints: HINTS,
  });
}

/** The template cannot be applied to its value. The caller says before it what it was doing, as Docker's commands do. */
export class ExecutionError extends Error {}

export function executionError(text: string, node: Operand | Pipeline | Command, message: string): ExecutionError {
  const before = text.slice(0, node.at);
  const column = Buffer.byteLength(before.slice(before.lastIndexOf('\n') + 1));
  const shown = 'operands' in node ? writtenCommand(node) : written(node);
  return new ExecutionError(`template: :${lineOf(text, node.at)}:${column}: executing "" at <${shown}>: ${message}`);
}
