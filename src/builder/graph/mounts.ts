// The mounts of an exec operation, as the step that runs it takes them.
import type { ExecMount, ExecOp } from '../../graph/index.ts';
import type { BuildContext } from '../context/index.ts';
import type { RunMount } from '../steps/index.ts';

/**
 * @param view the files that it shows, if it shows any; a cache that begins with them is told from others by their identity
 * @param kept the root of the file system that takes what is written, where that is an output
 */
export function stepMount(
  m: ExecMount,
  view: { readonly root: string; readonly ignore?: BuildContext['ignore']; readonly identity: string } | undefined,
  kept?: string,
): RunMount {
  const ids = {
    ...(m.mode !== undefined && { mode: m.mode }),
    ...(m.uid !== undefined && { uid: m.uid }),
    ...(m.gid !== undefined && { gid: m.gid }),
  };
  const target = m.target ?? '';
  const id = m.id ?? '';
  switch (m.type) {
    case 'bind':
      if (kept !== undefined) return { type: 'bind', target, root: kept, source: m.selector ?? '/', readonly: false, kept: true };
      return {
        type: 'bind',
        target,
        root: view?.root ?? '',
        source: m.selector ?? '/',
        readonly: m.readonly,
        ...(view?.ignore && { ignore: view.ignore }),
      };
    case 'cache':
      return {
        type: 'cache',
        target,
        id,
        sharing: m.sharing ?? 'shared',
        readonly: m.readonly,
        ...ids,
        ...(m.selector !== undefined && { source: m.selector }),
        ...(view && { seed: { root: view.root, source: m.selector ?? '/', identity: view.identity } }),
      };
    case 'tmpfs':
      return { type: 'tmpfs', target, ...(m.size !== undefined && { size: m.size }) };
    case 'secret':
      return {
        type: 'secret',
        id,
        ...(m.target !== undefined && { target }),
        ...(m.env !== undefined && { env: m.env }),
        required: m.required === true,
        ...ids,
      };
    case 'ssh':
      return {
        type: 'ssh',
        id,
        ...(m.target !== undefined && { target }),
        required: m.required === true,
        ...ids,
      };
    default:
      return m.type satisfies never;
  }
}

/** A heredoc with an interpreter of its own: a file that only this step sees. */
export function scriptMount(op: ExecOp): RunMount[] {
  if (!op.script) return [];
  return [{ type: 'script', target: op.script.path, content: op.script.content }];
}

/** How a copy takes the files of a source: those whose owners are kept count as a stage's. */
export const sourceKind = (
  from: 'stage' | 'context',
  source: { readonly keepsOwners?: boolean | undefined } | object,
): 'stage' | 'context' => ('keepsOwners' in source && source.keepsOwners ? 'stage' : from);
