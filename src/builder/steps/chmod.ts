// The modes that --chmod names: octal numbers, and the symbols of chmod(1). Pure.
import { SlipwayError } from '../../model/index.ts';

/** What `--chmod` does: the mode to give to something that has `mode`. */
export interface ModeChange {
  apply(mode: number, directory: boolean): number;
  /** The mode for directories made on the way, when the change names a whole mode. */
  readonly octal?: number;
}

interface Clause {
  readonly who: string;
  readonly operations: readonly { readonly op: string; readonly perms: string }[];
}

/** Reads a mode change. Throws invalid-argument 'copy.bad-chmod' in Docker's words. */
export function parseModeChange(text: string): ModeChange {
  if (/^[0-9]/.test(text)) {
    const mode = /^[0-7]+$/.test(text) ? parseInt(text, 8) : NaN;
    if (!(mode <= 0o7777)) throw bad(text);
    return { apply: () => mode, octal: mode };
  }
  const clauses = text.split(',').map((part): Clause => {
    const [, who, rest] = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/.exec(part) ?? [];
    if (who === undefined || rest === undefined) throw new SlipwayError('invalid-argument', 'copy.bad-chmod', 'invalid syntax');
    return { who, operations: [...rest.matchAll(/([-+=])([ugo]|[rwxXst]*)/g)].map((m) => ({ op: m[1]!, perms: m[2]! })) };
  });
  return { apply: (mode, directory) => clauses.reduce((m, c) => applyClause(m, c, directory), mode) };
}

function bad(text: string): SlipwayError {
  return new SlipwayError(
    'invalid-argument',
    'copy.bad-chmod',
    `invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`,
  );
}

const SHIFT: Readonly<Record<string, number>> = { u: 6, g: 3, o: 0 };
const SET_ID: Readonly<Record<string, number>> = { u: 0o4000, g: 0o2000, o: 0 };
const STICKY = 0o1000;

/** As setmode(3) of BSD has it, which is what Docker follows: the sticky bit is not for "other" alone. */
function applyClause(start: number, clause: Clause, directory: boolean): number {
  const everybody = clause.who === '' || clause.who.includes('a');
  const who = everybody ? 'ugo' : clause.who;
  let mode = start;
  for (const { op, perms } of clause.operations) {
    let bits = 0;
    let scope = 0;
    for (const w of who) {
      const shift = SHIFT[w]!;
      scope |= (0o7 << shift) | (perms in SHIFT ? 0 : SET_ID[w]!);
      bits |= permissionBits(perms, mode, directory) << shift;
      if (perms.includes('s')) bits |= SET_ID[w]!;
    }
    if (perms.includes('t') && clause.who !== 'o') {
      // Where nobody is named, the sticky bit is all that such a clause speaks of.
      if (clause.who === '') bits = scope = STICKY;
      bits |= STICKY;
      scope |= STICKY;
    }
    // unlike chmod(1) no umask takes part when nobody is named
    if (op === '+') mode |= bits;
    else if (op === '-') mode &= ~bits;
    else mode = (mode & ~scope) | bits;
  }
  return mode & 0o7777;
}

function permissionBits(perms: string, mode: number, directory: boolean): number {
  if (perms in SHIFT) return (mode >> SHIFT[perms]!) & 0o7;
  let bits = 0;
  if (perms.includes('r')) bits |= 4;
  if (perms.includes('w')) bits |= 2;
  if (perms.includes('x') || (perms.includes('X') && (directory || (mode & 0o111) !== 0))) bits |= 1;
  return bits;
}
