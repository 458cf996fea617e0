// COPY, ADD and WORKDIR: file nodes on the stage's file system.
import {
  type AddInstruction,
  type CopyInstruction,
  describeInstruction,
  type Instruction,
  type WorkdirInstruction,
} from '../../dockerfile/index.ts';
import type { FileAction, Node, SourceOp } from '../../graph/index.ts';
import { SlipwayError, type SourceExcerpt } from '../../model/index.ts';
import { gitSource, isHttpUrl, textWithoutCredentials, withoutCredentials } from '../../remote/index.ts';
import { remoteSource } from '../elsewhere.ts';
import { literalPattern } from '../steps/sources.ts';
import { workdirOf } from './config.ts';
import { scratch } from './run.ts';
import { placed, sourceOf } from '../placed.ts';
import { type LowerContext, nodeMeta, type StageState, stepName } from './state.ts';

export async function lowerCopy(c: LowerContext, state: StageState, i: CopyInstruction | AddInstruction): Promise<void> {
  const source = sourceOf(i);
  const workdir = state.config.WorkingDir || '/';
  const parts = i.kind === 'ADD' ? await addParts(c, i, source) : [{ paths: i.sources }];
  if (parts.length > 1 && !i.dest.endsWith('/') && i.dest !== '.') {
    throw new SlipwayError(
      'invalid-argument',
      'copy.needs-directory',
      `When using ${i.kind} with more than one source file, the destination must be a directory and end with a /`,
      { source },
    );
  }
  if (i.kind === 'COPY') refuseRemote(i);
  const inputs = [state.node ?? scratch(c)];
  const actions: FileAction[] = [];
  for (const part of parts) {
    const { node, from } = part.op ? { node: remoteNode(c, state, part.op, i), from: 'context' as const } : await local(c, state, i);
    const readsInput = part.op !== undefined || i.sources.length > 0;
    const unpack = i.kind === 'ADD' ? (part.op ? (i.unpack ?? false) : i.unpack) : undefined;
    actions.push({
      action: 'copy',
      instruction: i.kind,
      input: readsInput ? inputs.push(node ?? scratch(c)) - 1 : -1,
      from,
      sources: part.op ? [part.op.http ? literalPattern(part.op.http.name) : '/'] : part.paths,
      files: part === parts.at(-1) ? i.files.map(({ name, data }) => ({ name, data })) : [],
      destination: i.dest,
      workdir,
      ...(i.chown !== undefined && { chown: i.chown }),
      ...(i.chmod !== undefined && { chmod: i.chmod }),
      parents: i.kind === 'COPY' && i.parents,
      link: i.link,
      excludes: i.exclude,
      ...(unpack !== undefined && { unpack }),
    });
  }
  // the history of an image is for all who get it
  const hidden = i.kind === 'ADD' ? textWithoutCredentials : (text: string): string => text;
  const shown = hidden(describeInstruction(i, state.variables, { escape: c.dockerfile.escape }));
  const meta = nodeMeta(c, state, stepName(c, state, shown), i);
  state.node = c.graph.node({ kind: 'file', actions }, inputs, meta);
  const flags = `${i.chown === undefined ? '' : `--chown=${i.chown} `}${i.chmod === undefined ? '' : `--chmod=${i.chmod} `}`;
  const what = hidden([...i.sources, ...i.files.map((f) => `<<${f.name}`), i.dest].join(' '));
  state.steps.push({
    createdBy: `${i.kind} ${flags}${what} # buildkit`,
    node: state.node,
    ...(state.author !== undefined && { author: state.author }),
  });
}

/** What ADD fetches, COPY refuses; `github.com/…` may as well be a directory. */
function refuseRemote(i: CopyInstruction): void {
  for (const text of i.sources) {
    const git = !text.startsWith('github.com/') && gitSource(text) !== undefined;
    if (!git && !isHttpUrl(text)) continue;
    throw new SlipwayError('invalid-argument', 'copy.remote', `source can't be a ${git ? 'git ref' : 'URL'} for COPY`, {
      source: sourceOf(i),
      hints: ['ADD fetches from elsewhere'],
    });
  }
}

/** What one action reads: paths of a file system, or something from elsewhere. */
interface Part {
  readonly paths: readonly string[];
  readonly op?: SourceOp;
}

/** The sources of ADD in their order, paths that follow each other in one part. */
async function addParts(c: LowerContext, i: AddInstruction, source: SourceExcerpt): Promise<Part[]> {
  const parts: Part[] = [];
  const flags = {
    ...(i.checksum !== undefined && { checksum: i.checksum }),
    ...(i.keepGitDir !== undefined && { keepGitDir: i.keepGitDir }),
  };
  if (i.checksum !== undefined && i.sources.length !== 1) {
    throw new SlipwayError('invalid-argument', 'add.checksum', "checksum can't be specified for multiple sources", { source });
  }
  for (const text of i.sources) {
    const op = await remoteSource(text, flags, c.request, source).catch((e: unknown) => {
      throw placed(e, source);
    });
    const last = parts.at(-1);
    if (op) parts.push({ paths: [], op });
    else if (i.checksum !== undefined) {
      throw new SlipwayError('invalid-argument', 'add.checksum', 'checksum requires HTTP(S) or Git sources', { source });
    } else if (last && !last.op) parts[parts.length - 1] = { paths: [...last.paths, text] };
    else parts.push({ paths: [text] });
  }
  return parts.length === 0 ? [{ paths: [] }] : parts;
}

async function local(
  c: LowerContext,
  state: StageState,
  i: CopyInstruction | AddInstruction,
): Promise<{ node: Node | undefined; from: 'stage' | 'context' }> {
  if (i.sources.length === 0) return { node: undefined, from: 'context' };
  if (i.kind === 'ADD' || i.from === undefined) return { node: c.contextNode(), from: 'context' };
  const { node, kind } = await c.resolveFrom(i.from, state, sourceOf(i));
  return { node, from: kind };
}

function remoteNode(c: LowerContext, state: StageState, op: SourceOp, i: Instruction): Node {
  return c.graph.node(op, [], nodeMeta(c, state, withoutCredentials(op.identifier), i));
}

export function lowerWorkdir(c: LowerContext, state: StageState, i: WorkdirInstruction): void {
  const path = workdirOf(state.config, i.path);
  state.config = { ...state.config, WorkingDir: path };
  const name = stepName(c, state, describeInstruction(i, state.variables, { escape: c.dockerfile.escape }));
  if (path !== '/') {
    const user = state.config.User ?? '';
    const time = c.request.sourceDateEpoch;
    state.node = c.graph.node(
      { kind: 'file', actions: [{ action: 'mkdir', path, user, ...(time !== undefined && { time }) }] },
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
