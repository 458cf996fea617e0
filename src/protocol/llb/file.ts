// FileOp of LLB as file operations of the graph: actions in a row that change the same files become one.
import type { FileAction as GraphAction, Node } from '../../graph/index.ts';
import type { ChownOpt, FileAction, FileActionCopy, FileOp, UserOpt } from '../gen/ops_pb.ts';
import { Code, GrpcError } from '../grpc/status.ts';
import type { Making } from './making.ts';

const unsupported = (message: string): GrpcError => new GrpcError(Code.unimplemented, message);

/** The outputs of the operation, by their index. */
export function fileOutputs(op: FileOp, inputs: readonly Node[], make: Making): Node[] {
  /** Inputs, then what each action gave. */
  const values: (Node | Group)[] = [...inputs];
  const outputs: Node[] = [];
  const value = (index: bigint): Node => {
    if (index < 0n) return make.scratch;
    const found = values[Number(index)];
    if (found === undefined) throw new GrpcError(Code.invalidArgument, 'a file action reads what is not there');
    return found instanceof Group ? found.node() : found;
  };
  for (const action of op.actions) {
    const below = action.input < 0n ? undefined : values[Number(action.input)];
    // what nobody else asks for can go on in the same operation
    const group = below instanceof Group && below.open ? below : new Group(value(action.input), make);
    group.add(action, () => value(action.secondaryInput));
    values.push(group);
    if (action.output >= 0n) outputs[Number(action.output)] = group.node();
  }
  return outputs;
}

class Group {
  readonly #make: Making;
  readonly #inputs: Node[];
  readonly #actions: GraphAction[] = [];
  readonly #names: string[] = [];
  #node: Node | undefined;

  constructor(below: Node, make: Making) {
    this.#make = make;
    this.#inputs = [make.base(below)];
  }

  get open(): boolean {
    return this.#node === undefined;
  }

  add({ action }: FileAction, secondary: () => Node): void {
    switch (action.case) {
      case 'copy': {
        const from = secondary();
        const input = this.#inputs.push(from) - 1;
        this.#actions.push(copyAction(action.value, input, from));
        this.#names.push(`copy ${action.value.src} ${action.value.dest}`);
        return;
      }
      case 'mkdir': {
        const { path, mode, makeParents, owner, timestamp } = action.value;
        this.#actions.push({
          action: 'mkdir',
          path: absolute(path),
          user: ownerText(owner),
          mode: mode & 0o7777,
          parents: makeParents,
          ...timeOf(timestamp),
        });
        this.#names.push(`mkdir ${path}`);
        return;
      }
      case 'mkfile': {
        const { path, mode, data, owner, timestamp } = action.value;
        this.#actions.push({
          action: 'mkfile',
          path: absolute(path),
          data: Buffer.from(data).toString('base64'),
          mode: mode & 0o7777,
          owner: ownerText(owner),
          ...timeOf(timestamp),
        });
        this.#names.push(`mkfile ${path}`);
        return;
      }
      case 'symlink': {
        const { oldpath, newpath, owner, timestamp } = action.value;
        this.#actions.push({ action: 'symlink', target: oldpath, path: absolute(newpath), owner: ownerText(owner), ...timeOf(timestamp) });
        this.#names.push(`symlink ${oldpath} -> ${newpath}`);
        return;
      }
      case 'rm': {
        const { path, allowNotFound, allowWildcard } = action.value;
        this.#actions.push({ action: 'rm', path: absolute(path), wildcard: allowWildcard, allowNotFound });
        this.#names.push(`rm ${path}`);
        return;
      }
      default:
        throw unsupported('there is no such file action');
    }
  }

  node(): Node {
    return (this.#node ??= this.#make.node({ kind: 'file', actions: this.#actions }, this.#inputs, this.#names.join(', ')));
  }
}

const absolute = (path: string): string => (path.startsWith('/') ? path : `/${path}`);

/** Nanoseconds; below 0 is the time of the step. */
const timeOf = (ns: bigint): { time?: number } => (ns < 0n ? {} : { time: Number(ns) / 1e9 });

function copyAction(c: FileActionCopy, input: number, from: Node): GraphAction {
  if (c.includePatterns.length > 0) throw unsupported('a copy with include patterns is not supported');
  if (c.timestamp >= 0n) throw unsupported('a copy with a time of its own is not supported');
  const name = c.src.split('/').findLast((word) => word !== '' && word !== '.');
  // without the wish for its contents, a directory goes into one that is named with a slash
  const into = !c.dirCopyContents && c.dest.endsWith('/') && name !== undefined && !c.allowWildcard;
  const source =
    from.op.kind === 'source' && (from.op.identifier.startsWith('local://') || from.op.http !== undefined || from.op.git !== undefined);
  return {
    action: 'copy',
    instruction: c.attemptUnpackDockerCompatibility ? 'ADD' : 'COPY',
    input,
    from: source ? 'context' : 'stage',
    sources: [c.allowWildcard ? c.src : c.src.replaceAll(/[\\*?[]/g, '\\$&')],
    files: [],
    destination: into ? `${c.dest}${name}` : c.dest,
    workdir: '/',
    ...(c.owner && ownerText(c.owner) !== '' && { chown: ownerText(c.owner) }),
    ...(c.modeStr !== '' ? { chmod: c.modeStr } : c.mode >= 0 && { chmod: (c.mode & 0o7777).toString(8) }),
    parents: false,
    link: c.alwaysReplaceExistingDestPaths,
    excludes: c.excludePatterns,
    ...(c.attemptUnpackDockerCompatibility && { unpack: true }),
  };
}

/** `user:group` of numbers or names; '' for root. */
function ownerText(owner: ChownOpt | undefined): string {
  if (owner === undefined) return '';
  const text = (one: UserOpt | undefined): string | undefined => {
    if (one?.user.case === 'byID') return String(one.user.value);
    return one?.user.case === 'byName' ? one.user.value.name : undefined;
  };
  const [user, group] = [text(owner.user), text(owner.group)];
  if (user === undefined && group === undefined) return '';
  return group === undefined ? (user as string) : `${user ?? '0'}:${group}`;
}
