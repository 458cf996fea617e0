// What each millisecond of everyday commands is: `images`, `exec`, `run --rm`, `rm -f` and a cached build. strace sees when programs are
// started and a few files are opened, which cuts a command into phases; it makes each of them somewhat longer. Medians of --runs N (10).
//
//   npm run bench:phases [-- --runs N] [COMMAND ...]
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Phase {
  /** What goes on until the event of the next phase. */
  readonly what: string;
  /** The line of strace with which it begins. Phases whose event does not come are left out. */
  readonly from: RegExp;
}

const START: readonly Phase[] = [
  { what: 'find Node (sh)', from: /execve\(.*bin\/slipway"/ },
  { what: 'Node starts', from: /execve\(".*bin\/node"/ },
  { what: 'load the program', from: /openat\(.*\/slipway\.cjs"/ },
  { what: 'read the command line', from: /openat\(.*\/program-\w+\.js"/ },
  { what: 'open the store, and work', from: /openat\(.*\/slipway\.db"/ },
];
const END: Phase = { what: 'Node ends', from: /^exit_group/ };
const CREATE: readonly Phase[] = [
  { what: 'conmon starts; mount, bundle, network meanwhile', from: /execve\("[^"]*conmon"/ },
  { what: 'crun creates', from: /execve\("[^"]*\/(?:crun|runc)"/ },
];

const COMMANDS: Readonly<Record<string, { readonly words: readonly string[]; readonly phases: readonly Phase[] }>> = {
  images: { words: ['images'], phases: [...START, END] },
  noop: { words: ['build', '-q', '-t', 'phases', 'context'], phases: [...START, { what: 'build', from: /openat\(.*\/Dockerfile"/ }, END] },
  exec: {
    words: ['exec', 'phases', 'true'],
    phases: [
      ...START,
      { what: 'crun joins', from: /execve\("[^"]*\/(?:crun|runc)"/ },
      { what: 'the program, and its end noticed', from: /execve\("\/bin\/true"/ },
      END,
    ],
  },
  run: {
    words: ['run', '--rm', 'busybox', 'true'],
    phases: [
      ...START,
      ...CREATE,
      { what: 'the program, and its end noticed', from: /execve\("\/bin\/true"/ },
      { what: 'clear up', from: /^(?:unlink|rmdir)\(.*\/runtime\/\w+\/|^unlinkat\(.*\/runtime\/\w+\// },
      END,
    ],
  },
  rm: {
    words: ['rm', '-f', 'phases-d'],
    phases: [...START, { what: 'clear up', from: /kill\(|pidfd_send_signal\(/ }, END],
  },
};

const CONTEXT = `FROM busybox AS base
RUN echo deps > /deps.txt
FROM base AS build
RUN echo build > /build.txt
FROM base
COPY --from=build /build.txt /build.txt
`;

const words = process.argv.slice(2);
const at = words.indexOf('--runs');
const runs = at < 0 ? 10 : Number(words.splice(at, 2)[1]);
const wanted = words.length > 0 ? words : Object.keys(COMMANDS);

const folder = mkdtempSync('/dev/shm/slipway-phases-');
const env = { ...process.env, SLIPWAY_ROOT: join(folder, 'root'), SLIPWAY_RUN: join(folder, 'run') };
const slipway = join(import.meta.dirname, '..', 'bin', 'slipway');
const call = (command: string, args: readonly string[]): void => {
  const { status, stderr, error } = spawnSync(command, args, { cwd: folder, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`);
};

/** ms of each phase of one run, by its number. */
function measure(command: readonly string[], phases: readonly Phase[]): Map<number, number> {
  const trace = join(folder, 'trace');
  const calls = 'trace=execve,openat,unlink,unlinkat,kill,pidfd_send_signal,exit_group';
  call('strace', ['-f', '--seccomp-bpf', '-qq', '-ttt', '-s', '300', '-o', trace, '-e', calls, slipway, ...command]);
  const lines = readFileSync(trace, 'utf8').split('\n');
  const main = /^\d+/.exec(lines[0] ?? '')?.[0];
  const began: [number, number][] = [];
  let next = 0;
  let end = 0;
  for (const line of lines) {
    const [, pid, time, text = ''] = /^(\d+) +(\d+\.\d+) (.*)/.exec(line) ?? [];
    if (pid === undefined) continue;
    if (pid === main) end = Number(time);
    if (text.startsWith('exit_group') && pid !== main) continue;
    const found = phases.findIndex((phase, i) => i >= next && phase.from.test(text));
    if (found < 0 || text.includes('ENOENT')) continue;
    began.push([found, Number(time)]);
    next = found + 1;
  }
  return new Map(began.map(([phase, from], i) => [phase, ((began[i + 1]?.[1] ?? end) - from) * 1000]));
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;

try {
  call(slipway, ['bootstrap', 'busybox']);
  mkdirSync(join(folder, 'context'));
  writeFileSync(join(folder, 'context', 'Dockerfile'), CONTEXT);
  call(slipway, ['run', '-d', '--name', 'phases', 'busybox', 'sleep', '100000']);
  for (const name of wanted) {
    const command = COMMANDS[name];
    if (command === undefined) throw new Error(`${name} is none of ${Object.keys(COMMANDS).join(', ')}`);
    const measured: Map<number, number>[] = [];
    // the first two runs fill caches
    for (let i = -2; i < runs; i++) {
      if (name === 'rm') call(slipway, ['run', '-d', '--name', 'phases-d', 'busybox', 'sleep', '600']);
      const one = measure(command.words, command.phases);
      if (i >= 0) measured.push(one);
    }
    const total = median(measured.map((one) => [...one.values()].reduce((sum, ms) => sum + ms, 0)));
    console.log(`\n${name}: slipway ${command.words.join(' ')}: ${total.toFixed(1)} ms`);
    for (const [i, { what }] of command.phases.entries()) {
      const times = measured.flatMap((one) => one.get(i) ?? []);
      if (times.length > 0) console.log(`${median(times).toFixed(1).padStart(8)}  ${what}`);
    }
  }
} finally {
  spawnSync(slipway, ['rm', '-f', 'phases', 'phases-d'], { env });
  rmSync(folder, { recursive: true, force: true });
}
