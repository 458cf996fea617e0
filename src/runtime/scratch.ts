// Short-lived folders of one process below the runtime's state folder: bundles of probes, files of `exec`. Their names say whose they are,
// so that those of a killed process are known for what they are.
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { identityIfAlive, processIdentity } from '../sys/index.ts';

const folderOf = (stateRoot: string): string => join(stateRoot, 'scratch');

/** A new folder, `<pid>.<start time>.<id>`. */
export function scratchFolder(stateRoot: string, id: string): string {
  const [pid, , start] = processIdentity().split(':');
  const path = join(folderOf(stateRoot), `${pid}.${start}.${id}`);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}

/** Whether a process that ran a probe, or another program in a container, is gone and has left its folder. */
export const leftScratch = (stateRoot: string): boolean => scratchFolders(stateRoot).some(({ abandoned }) => abandoned);

export interface ScratchFolder {
  readonly path: string;
  readonly id: string;
  /** Whether the process that made it is gone. */
  readonly abandoned: boolean;
}

export function scratchFolders(stateRoot: string): ScratchFolder[] {
  let names: string[];
  try {
    names = readdirSync(folderOf(stateRoot));
  } catch {
    return []; // none was ever made
  }
  return names.map((name) => {
    const [pid, start, id = name] = name.split('.');
    return { path: join(folderOf(stateRoot), name), id, abandoned: identityIfAlive(Number(pid)).split(':')[2] !== start };
  });
}
