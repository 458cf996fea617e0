// How a process ended, as one number: its exit code, or 128 and the signal's number.
import { constants } from 'node:os';
import type { ExitStatus } from './types.ts';

export function exitStatus(code: number | null, signal: NodeJS.Signals | null): ExitStatus {
  return { exitCode: code ?? 128 + (signal === null ? 0 : constants.signals[signal]) };
}

/** 'KILL', 'SIGKILL', '9' and 9 alike; undefined when there is no such signal. */
export function signalNumber(signal: string | number): number | undefined {
  const text = String(signal).toUpperCase();
  if (/^\d+$/.test(text)) return Number(text) >= 1 && Number(text) <= 64 ? Number(text) : undefined;
  const name = text.startsWith('SIG') ? text : `SIG${text}`;
  const realTime = /^SIGRT(MIN|MAX)([+-]\d+)?$/.exec(name);
  if (realTime) return (realTime[1] === 'MIN' ? 34 : 64) + Number(realTime[2] ?? 0);
  return (constants.signals as Readonly<Record<string, number>>)[name];
}
