// `build --ui`: the page of a build in a process of its own, so that the build goes on while it is looked at.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { SlipwayError } from '../../model/index.ts';
import { randomId } from '../../util/index.ts';
import type { Context, ParsedOptions } from '../command.ts';

export interface Pictures {
  /** What the build has to be called. */
  readonly ref: string;
  /** Leaves the page until Ctrl-C where somebody sits before a terminal; whoever follows the build sees its end everywhere. */
  end(): Promise<void>;
  [Symbol.dispose](): void;
}

const WITHOUT = ['call', 'check', 'compare', 'list-context', 'plan', 'test'];

/** Undefined when nobody asked. @throws SlipwayError `flag.conflict`, `ui.not-started` */
export async function openPictures(ctx: Context, o: ParsedOptions): Promise<Pictures | undefined> {
  if (!o.bool('ui')) return undefined;
  const other = WITHOUT.find((name) => o.has(name));
  if (other !== undefined)
    throw new SlipwayError('invalid-argument', 'flag.conflict', `conflicting options: --ui and --${other}`, { exitCode: 125 });
  const ref = randomId(13).slice(0, 25);
  const [program = '', ...words] = ctx.selfCommand;
  const child = spawn(program, [...words, 'ui', '--attached', ref], {
    env: { ...ctx.env },
    stdio: ['pipe', 'pipe', 'inherit'],
    // Ctrl-C is for the build; the page ends after it
    detached: true,
  });
  child.stdin.on('error', () => undefined);
  const address = await firstLine(child);
  ctx.stderr.write(`The build in pictures: ${address}\n`);
  return {
    ref,
    end: async () => {
      if (ctx.stderr.isTTY && !ctx.signal.aborted && child.exitCode === null) {
        ctx.stderr.write('The page stays until Ctrl-C.\n');
        await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve, { once: true }));
      }
      const closed = once(child, 'close');
      child.stdin.end();
      if (child.exitCode === null && child.signalCode === null) await closed;
    },
    [Symbol.dispose]: () => void child.stdin.end(),
  };
}

async function firstLine(child: ChildProcess): Promise<string> {
  const failed = Promise.withResolvers<never>();
  const fail = (cause?: unknown): void =>
    failed.reject(new SlipwayError('unavailable', 'ui.not-started', 'the page of the build cannot be served', { cause }));
  child.on('error', fail).on('close', () => fail());
  const lines = createInterface({ input: child.stdout! });
  const [line] = (await Promise.race([once(lines, 'line'), failed.promise])) as [string];
  failed.promise.catch(() => undefined); // it may end later
  return line;
}
