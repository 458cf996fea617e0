// COPY, ADD and WORKDIR: file nodes on the stage's file system.
import type { AddInstruction, CopyInstruction, WorkdirInstruction } from '../../dockerfile/index.ts';
import type { FileAction, Node } from '../../graph/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { workdirOf } from './config.ts';
import { scratch } from './run.ts';
import { sourceOf } from '../placed.ts';
import { type LowerContext, nodeMeta, type StageState, stepName } from './state.ts';

const REMOTE = /^(?:https?:\/\/|git@|git:\/\/|ssh:\/\/)/;

export async function lowerCopy(c: LowerContext, state: StageState, i: CopyInstruction | AddInstruction): Promise<void> {
  const source = sourceOf(i);
  const remote = i.kind === 'ADD' ? i.sources.find((s) => REMOTE.test(s)) : undefined;
  if (remote !== undefined)
    throw new SlipwayError('unsupported', 'build.add-remote', `ADD from elsewhere is not supported yet: ${remote}`, {
      source,
      hints: ['download it in a RUN step, or put it into the build context'],
    });
  if (i.kind === 'ADD' && i.checksum !== undefined) {
    throw new SlipwayError('invalid-argument', 'build.add-checksum', "checksum can't be specified for non-HTTP(S) sources", { source });
  }
  const named = i.kind === 'COPY' ? i.from : undefined;
  let input: Node | undefined;
  let from: 'stage' | 'context' = 'context';
  if (i.sources.length > 0) {
    if (named === undefined) input = c.contextNode();
    else {
      const resolved = await c.resolveFrom(named, state, source);
      input = resolved.node ?? scratch(c);
      from = resolved.kind;
    }
  }
  const action: FileAction = {
    action: 'copy',
    instruction: i.kind,
    input: input ? 1 : -1,
    from,
    sources: i.sources,
    files: i.files.map(({ name, data }) => ({ name, data })),
    destination: i.dest,
    workdir: state.config.WorkingDir || '/',
    ...(i.chown !== undefined && { chown: i.chown }),
    ...(i.chmod !== undefined && { chmod: i.chmod }),
    parents: i.kind === 'COPY' && i.parents,
    link: i.link,
    excludes: i.exclude,
    ...(i.kind === 'ADD' && i.unpack !== undefined && { unpack: i.unpack }),
  };
  const meta = nodeMeta(c, state, stepName(c, state, i.original), i);
  state.node = c.graph.node({ kind: 'file', actions: [action] }, [state.node ?? scratch(c), ...(input ? [input] : [])], meta);
  const flags = `${i.chown === undefined ? '' : `--chown=${i.chown} `}${i.chmod === undefined ? '' : `--chmod=${i.chmod} `}`;
  const what = [...i.sources, ...i.files.map((f) => `<<${f.name}`), i.dest].join(' ');
  state.steps.push({
    createdBy: `${i.kind} ${flags}${what} # buildkit`,
    node: state.node,
    ...(state.author !== undefined && { author: state.author }),
  });
}

export function lowerWorkdir(c: LowerContext, state: StageState, i: WorkdirInstruction): void {
  const path = workdirOf(state.config, i.path);
  state.config = { ...state.config, WorkingDir: path };
  const name = stepName(c, state, i.original);
  if (path !== '/') {
    const user = state.config.User ?? '';
    state.node = c.graph.node(
      { kind: 'file', actions: [{ action: 'mkdir', path, user }] },
      [state.node ?? scratch(c)],
      nodeMeta(c, state, name, i),
    );
  }
  state.steps.push({
    createdBy: `WORKDIR ${path}`,
    ...(path !== '/' && state.node && { node: state.node }),
    ...(state.author !== undefined && { author: state.author }),
  });
}
