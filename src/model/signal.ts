// Signals as people write them: `SIGTERM`, `term`, `15`, `SIGRTMIN+3` (signal(7); the numbers are those of x86 and ARM).

const NUMBERS: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  IOT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  POLL: 29,
  PWR: 30,
  SYS: 31,
};
const RTMIN = 34;
const RTMAX = 64;
/** A number is read as one of 64 bits. */
const LARGEST = Number(2n ** 63n - 1n);

/** The number of a signal; undefined when there is none of that name. Any number but 0 is taken as it is, as Docker takes it. */
export function signalNumber(text: string): number | undefined {
  if (/^[+-]?\d+$/.test(text)) return Number(text) === 0 || Math.abs(Number(text)) > LARGEST ? undefined : Number(text);
  const name = text.toUpperCase().replace(/^SIG/, '');
  const realtime = /^RTM(?:IN(?:\+(\d+))?|AX(?:-(\d+))?)$/.exec(name);
  if (realtime === null) return Object.hasOwn(NUMBERS, name) ? NUMBERS[name] : undefined;
  const distance = Number(realtime[1] ?? realtime[2] ?? 0);
  if (distance > (name.startsWith('RTMIN') ? 15 : 14)) return undefined;
  return name.startsWith('RTMIN') ? RTMIN + distance : RTMAX - distance;
}
