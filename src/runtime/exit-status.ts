// How a process ended, as one number: its exit code, or 128 and the signal's number.
import { constants } from 'node:os';
import type { ExitStatus } from './types.ts';

export function exitStatus(code: number | null, signal: NodeJS.Signals | null): ExitStatus {
  return { exitCode: code ?? 128 + (signal === null ? 0 : constants.signals[signal]) };
}
