// Tests as both forms of files begin with them.
import type { CommandTest, Expectation, ImageTest } from './types.ts';

/** Seconds that a command has when nothing else is said. */
export const DEFAULT_TIMEOUT = 60;
export const NOTHING: Expectation = { matches: [], lacks: [] };

/** What both forms leave out of a command. */
export const PLAIN: Omit<CommandTest, 'name' | 'args'> = {
  kind: 'command',
  setup: [],
  teardown: [],
  env: [],
  privileged: false,
  capabilities: [],
  exitCode: 0,
  stdout: NOTHING,
  stderr: NOTHING,
  timeout: DEFAULT_TIMEOUT,
};

/** A port without a protocol is one of tcp. */
export function member(of: 'ports' | 'volumes', text: string, there: boolean): ImageTest {
  const key = of === 'ports' && !text.includes('/') ? `${text}/tcp` : text;
  return { kind: 'member', name: `${there ? '' : 'no '}${of === 'ports' ? 'port' : 'volume'} ${key}`, of, key, there };
}
