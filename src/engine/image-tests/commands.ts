// Tests that run programs of an image, each in containers of its own, without a network.
import type { Container, ContainerManager, ContainerRequest } from '../../container/index.ts';
import { commitContainer, PLAIN_REQUEST } from '../../container/index.ts';
import type { Digest } from '../../model/index.ts';
import type { Engine } from '../engine.ts';
import { excerpt, unmet } from './expectations.ts';
import type { CommandTest } from './types.ts';

/** Bytes of an output that are kept; a program that writes more is told from others by these. */
const MOST_OUTPUT = 1 << 20;

interface Ran {
  /** undefined: it was killed when its time was over. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** @throws what containers throw that cannot be made, such as for a program that is not there */
export async function commandProblems(engine: Engine, image: Digest, test: CommandTest, signal: AbortSignal): Promise<string[]> {
  const manager = await engine.containers();
  const made: { readonly containers: Container[]; readonly images: Digest[] } = { containers: [], images: [] };
  const problems: string[] = [];
  const steps = [
    ...test.setup.map((args) => ({ args, what: 'setup' })),
    { args: test.args, what: '' },
    ...test.teardown.map((args) => ({ args, what: 'teardown' })),
  ];
  try {
    let from: string = image;
    for (const [i, { args, what }] of steps.entries()) {
      signal.throwIfAborted();
      const c = await manager.create(requestOf(from, args, test), { startLater: true });
      made.containers.push(c);
      const ran = await run(manager, c, test.timeout, signal);
      if (what === '') problems.push(...judged(test, ran));
      else if (ran.exitCode !== 0) {
        problems.push(`${what} ${args.join(' ')} ${endOf(ran, test)}${tail(ran)}`);
        break;
      }
      if (i + 1 === steps.length) break;
      from = (await commitContainer(manager, manager.records.resolve(c.id), { changes: [], pause: false })).id;
      made.images.push(from as Digest);
    }
    return problems;
  } finally {
    for (const c of made.containers) await manager.remove(c, { force: true, volumes: true });
    for (const id of made.images.toReversed()) engine.images.remove(id, { force: true, prune: false });
  }
}

function judged(test: CommandTest, ran: Ran): string[] {
  const ended = ran.exitCode === test.exitCode ? [] : [`${endOf(ran, test)}${tail(ran)}`];
  return [...ended, ...unmet('stdout', ran.stdout, test.stdout), ...unmet('stderr', ran.stderr, test.stderr)];
}

const endOf = ({ exitCode }: Ran, { timeout, exitCode: wanted }: CommandTest): string =>
  exitCode === undefined
    ? `was not over after ${timeout} seconds`
    : `ended with exit code ${exitCode}${wanted === 0 ? '' : `, not ${wanted}`}`;

const tail = ({ stdout, stderr }: Ran): string => {
  const text = (stderr.trim() || stdout.trim()).slice(-200);
  return text === '' ? '' : `: ${excerpt(text)}`;
};

async function run(manager: ContainerManager, c: Container, seconds: number, signal: AbortSignal): Promise<Ran> {
  const out = { stdout: new Kept(), stderr: new Kept() };
  let late = false;
  const kill = (): void => void manager.kill(c).catch(() => {}); // it has just ended
  const timer = setTimeout(() => {
    late = true;
    kill();
  }, seconds * 1000);
  signal.addEventListener('abort', kill, { once: true });
  try {
    const exitCode = await manager.runForeground(c, {
      stdout: (chunk) => out.stdout.add(chunk),
      stderr: (chunk) => out.stderr.add(chunk),
    });
    signal.throwIfAborted();
    return { exitCode: late ? undefined : exitCode, stdout: out.stdout.text(), stderr: out.stderr.text() };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', kill);
  }
}

/** The beginning of an output. */
class Kept {
  readonly #chunks: Buffer[] = [];
  #size = 0;

  add(chunk: Buffer): void {
    if (this.#size >= MOST_OUTPUT) return;
    const kept = chunk.subarray(0, MOST_OUTPUT - this.#size);
    this.#chunks.push(Buffer.from(kept));
    this.#size += kept.length;
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString();
  }
}

const requestOf = (image: string, args: readonly string[], test: CommandTest): ContainerRequest => ({
  ...PLAIN_REQUEST,
  image,
  args,
  entrypoint: [],
  env: test.env,
  ...(test.user !== undefined && { user: test.user }),
  ...(test.workdir !== undefined && { workdir: test.workdir }),
  attached: ['stdout', 'stderr'],
  network: 'none',
  privileged: test.privileged,
  capAdd: test.capabilities,
  noHealthcheck: true,
});
