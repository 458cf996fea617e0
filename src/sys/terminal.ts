// The user's terminal with nothing of its own done to what is typed and shown. Node's raw mode keeps turning line feeds into two bytes.
import { bind, check } from './native.ts';

const TCSADRAIN = 1;
/** Longer than a struct termios of any C library. */
const TERMIOS = 256;

const cGet = bind('int tcgetattr(int fd, void *termios)');
const cSet = bind('int tcsetattr(int fd, int actions, const void *termios)');
const cRaw = bind('void cfmakeraw(void *termios)');

/** Makes a terminal raw; returns how to give it its settings back. @throws a system error when `fd` is none */
export function rawTerminal(fd: number): () => void {
  const before = Buffer.alloc(TERMIOS);
  check(cGet(fd, before), 'tcgetattr');
  const raw = Buffer.from(before);
  cRaw(raw);
  check(cSet(fd, TCSADRAIN, raw), 'tcsetattr');
  return () => void cSet(fd, TCSADRAIN, before);
}
