// No build step outlives the process that runs it, SIGKILL included. Every step is noted in a folder of its owner before it
// starts. A shell waits on a pipe whose other end only the owner holds; when the owner is gone, however, it kills what is
// noted. Should the shell be killed as well, the next command's reap() does the same.
import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Socket } from 'node:net';
import { processAlive, processIdentity, processStartTime, run, withStreams } from '../sys/index.ts';
import { CLEAN_ENVIRONMENT, globalArguments } from './binary.ts';
import type { RuntimeBinary, RuntimeName } from './binary.ts';
import { groupPrefix } from './control-groups.ts';
import { endProcesses } from './processes.ts';

/**
 * $1 is the owner's folder, $2 what the names of control groups begin with, the rest is the runtime with its arguments. A note has three lines: the runtime's folder if it is not the
 * usual one, the pid of the runtime process, and its start time, so that no other process is ever taken for it. It goes first, so that
 * it can start nothing any more. The runtime may not have noted yet what it has made, which is known by its control group then. Without a pid the owner was killed while it
 * started the process, which is known by its first and last argument then.
 */
const SCRIPT = `
trap '' HUP INT TERM
read -r _
owner=$1; groups=$2; shift 2
began() { read -r line < "/proc/$1/stat" && set -- \${line##*) } && echo "\${20}"; }
for note in "$owner"/*; do
  [ -e "$note" ] || continue
  id=\${note##*/}
  { read -r root; read -r pid; read -r start; } < "$note"
  if [ -n "$pid" ]; then
    [ "$(began "$pid")" = "$start" ] && kill -9 "$pid"
  else
    for process in /proc/[0-9]*; do
      words=$(tr '\\0' '\\n' < "$process/cmdline")
      [ "\${words%%
*}" = "$1" ] && [ "\${words##*
}" = "$id" ] && kill -9 "\${process#/proc/}"
    done
  fi
  "$@" \${root:+--root "$root"} delete --force "$id"
  for group in "/sys/fs/cgroup/$groups$id" /sys/fs/cgroup/*/"$groups$id"; do
    tries=0
    while [ -d "$group" ] && [ $((tries += 1)) -lt 50 ]; do
      while read -r pid; do kill -9 "$pid"; done < "$group/cgroup.procs"
      rmdir "$group" || sleep 0.1
    done
  done
  rm -f "$note"
done
rmdir "$owner"
`;

function ownersFolder({ stateRoot, name }: Pick<RuntimeBinary, 'stateRoot' | 'name'>): string {
  return join(stateRoot, `${name}-owners`);
}

function guardArguments(binary: RuntimeBinary, owner: string): string[] {
  const groups = groupPrefix(binary.stateRoot);
  return ['-c', SCRIPT, 'slipway-guard', join(ownersFolder(binary), owner), groups, binary.path, ...globalArguments(binary)];
}

export class StepGuard {
  readonly #binary: RuntimeBinary;
  #folder: string | undefined;

  constructor(binary: RuntimeBinary) {
    this.#binary = binary;
  }

  /** Before the step's runtime is started. `root` is its folder when it has one of its own. */
  note(id: string, root: string): void {
    this.#folder ??= this.#start();
    writeFileSync(join(this.#folder, id), `${root}\n`);
  }

  /** As soon as it is started. */
  noteProcess(id: string, pid: number): void {
    const start = processStartTime(pid)?.split(':')[1];
    if (this.#folder !== undefined && start !== undefined) appendFileSync(join(this.#folder, id), `${pid}\n${start}\n`);
  }

  /** After the step's processes are gone. */
  forget(id: string): void {
    if (this.#folder !== undefined) rmSync(join(this.#folder, id), { force: true });
  }

  #start(): string {
    const owner = processIdentity();
    const folder = join(ownersFolder(this.#binary), owner);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // A session of its own: what is sent to our process group must not reach it.
    const shell = withStreams(
      spawn('/bin/sh', guardArguments(this.#binary, owner), {
        stdio: ['pipe', 'ignore', 'ignore'],
        detached: true,
        cwd: '/',
        env: { ...CLEAN_ENVIRONMENT },
      }),
    );
    shell.on('error', () => {}); // without a shell, reap() remains
    shell.stdin.on('error', () => {});
    shell.unref();
    (shell.stdin as Socket).unref();
    return folder;
  }
}

/** The steps that one process runs, or ran. */
export interface NotedSteps {
  readonly path: string;
  readonly ids: readonly string[];
  /** Whether that process is gone. */
  readonly abandoned: boolean;
}

export function notedSteps(stateRoot: string, name: RuntimeName): NotedSteps[] {
  const folder = ownersFolder({ stateRoot, name });
  return list(folder).map((owner) => ({
    path: join(folder, owner),
    ids: list(join(folder, owner)),
    abandoned: !processAlive(owner),
  }));
}

/** Ends the steps of owners that are no more. Returns the ids. */
export async function reapSteps(binary: RuntimeBinary): Promise<string[]> {
  const ended: string[] = [];
  for (const { path, ids, abandoned } of notedSteps(binary.stateRoot, binary.name)) {
    if (!abandoned) continue;
    ended.push(...ids);
    if (ids.length === 0) {
      try {
        rmdirSync(path);
      } catch {
        // Its own guard was faster.
      }
      continue;
    }
    await run('/bin/sh', guardArguments(binary, basename(path)), { env: CLEAN_ENVIRONMENT });
    await endProcesses(binary.stateRoot, new Set(ids));
  }
  return ended;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // its owner's guard was faster, or nobody ever ran a step
  }
}
