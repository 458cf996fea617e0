// The processes of a container as `ps` of this machine shows them: `top`.
import { readdirSync, readlinkSync } from 'node:fs';
import { SlipwayError } from '../model/index.ts';
import { findExecutable, run } from '../sys/index.ts';
import { type ContainerManager, refuseResting } from './manager.ts';
import type { Container } from './types.ts';

/**
 * Headings first, then a row for each process. `args` are for ps(1) and must leave it its PID column; `-ef` when there are none.
 * @throws SlipwayError conflict `container.not-running`, failed-precondition `container.no-ps`, invalid-argument `container.ps`
 */
export async function processTable(manager: ContainerManager, container: Container, args: readonly string[]): Promise<string[][]> {
  const c = await manager.started(container);
  refuseResting(c);
  const ps = findExecutable('ps');
  if (ps === undefined)
    throw new SlipwayError('failed-precondition', 'container.no-ps', 'ps is not installed; the list of processes needs it', {
      hints: ['apt-get install procps'],
    });
  const pids = (await manager.runtime()).processes(c.id) ?? processesBeside(c.state.pid);
  const wanted = args.length > 0 ? args : ['-ef'];
  // as Docker: some arguments of ps do not go with a choice of processes, others show only those of a terminal without one
  const chosen = await run(ps, [...wanted, `-q${pids.join(',')}`]);
  const { exitCode, stdout, stderr } = chosen.exitCode === 0 ? chosen : await run(ps, wanted);
  if (exitCode !== 0) throw new SlipwayError('invalid-argument', 'container.ps', `ps: ${stderr.trim() || `exit code ${exitCode}`}`);
  const [head = '', ...lines] = stdout.split('\n').filter(Boolean);
  const titles = head.trim().split(/\s+/);
  const column = titles.indexOf('PID');
  if (column < 0) throw new SlipwayError('invalid-argument', 'container.ps', "Couldn't find PID field in ps output");
  const ours = new Set(pids);
  manager.records.note(c, 'top');
  const rows = lines.map((line) => fields(line, titles.length)).filter((row) => ours.has(Number(row[column])));
  return [titles, ...rows];
}

/** The last column has all that is left, blanks too. */
function fields(line: string, count: number): string[] {
  const words = line.trim().split(/\s+/);
  return [...words.slice(0, count - 1), words.slice(count - 1).join(' ')];
}

/** Those of the PID namespace of `pid`, where there are no control groups to tell. */
function processesBeside(pid: number): number[] {
  const namespace = (of: string): string | undefined => {
    try {
      return readlinkSync(`/proc/${of}/ns/pid`);
    } catch {
      return undefined;
    }
  };
  const own = namespace(String(pid));
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && namespace(name) === own)
    .map(Number);
}
