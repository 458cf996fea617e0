// ExecOp of LLB: one operation of the graph for each of its outputs, which share one run.
import type { ExecMount, ExecOp as GraphExec, Node } from '../../graph/index.ts';
import { CacheSharingOpt, type ExecOp, type Mount, MountType, NetMode, SecurityMode } from '../gen/ops_pb.ts';
import { Code, GrpcError } from '../grpc/status.ts';
import type { Making } from './making.ts';

const invalid = (message: string): GrpcError => new GrpcError(Code.invalidArgument, message);
const unsupported = (message: string): GrpcError => new GrpcError(Code.unimplemented, message);

/** The outputs of the operation, by their index. */
export function execOutputs(op: ExecOp, inputs: readonly Node[], digest: string, make: Making): Node[] {
  const { meta } = op;
  if (meta === undefined || meta.args.length === 0) throw invalid('an exec operation needs arguments');
  if (meta.validExitCodes.some((code) => code !== 0)) throw unsupported('exit codes other than 0 are no success here');
  if (op.cdiDevices.length > 0) throw unsupported('devices are not given to steps');
  if (meta.cgroupParent !== '') throw unsupported('a parent of the control group is not supported');
  const root = op.mounts.find((m) => m.dest === '/');
  if (root === undefined) throw invalid('an exec operation needs a mount at /');
  const others = op.mounts.filter((m) => m !== root);
  const below = (m: Mount): Node => (m.input < 0n ? make.scratch : make.base(inputOf(inputs, m)));
  /** Each node that it reads, once. */
  const read: Node[] = [];
  const indexOf = (node: Node): number => (read.includes(node) ? read.indexOf(node) : read.push(node) - 1);
  const rootNode = below(root);
  const outputs: Node[] = [];
  const kept = others.filter((m) => m.output >= 0n);
  const several = kept.length + (root.output >= 0n ? 1 : 0) > 1 || kept.length > 0;
  for (const m of [root, ...kept]) {
    if (m.output < 0n) continue;
    read.length = 0;
    read.push(m === root ? rootNode : below(m));
    const rootIndex = m === root ? 0 : indexOf(rootNode);
    const mounts = others.map((one) =>
      mountOf(
        one,
        one.mountType === MountType.BIND || one.input >= 0n ? indexOf(one.output >= 0n ? below(one) : shown(one, inputs, make)) : -1,
      ),
    );
    const exec: GraphExec = {
      kind: 'exec',
      ...(rootIndex !== 0 && { root: rootIndex }),
      ...(root.readonly && { rootReadonly: true }),
      ...(m !== root && { output: others.indexOf(m) }),
      ...(several && { run: digest }),
      args: meta.args,
      env: meta.env,
      cwd: meta.cwd || '/',
      user: meta.user,
      mounts: [
        ...mounts,
        ...op.secretenv.map(({ ID, name, optional }): ExecMount => ({
          type: 'secret',
          input: -1,
          readonly: true,
          id: ID,
          env: name || ID,
          required: !optional,
        })),
      ],
      network: op.network === NetMode.HOST ? 'host' : op.network === NetMode.NONE ? 'none' : 'default',
      security: op.security === SecurityMode.INSECURE ? 'insecure' : 'sandbox',
      ...(meta.hostname !== '' && { hostname: meta.hostname }),
      addHosts: meta.extraHosts.map(({ Host, IP }) => `${Host}:${IP}`),
      ulimits: meta.ulimit.map(({ Name, Soft, Hard }) => ({ name: Name, soft: Number(Soft), hard: Number(Hard) })),
    };
    outputs[Number(m.output)] = make.node(exec, read, meta.args.join(' '));
  }
  return outputs;
}

function inputOf(inputs: readonly Node[], { input, dest }: Mount): Node {
  const found = inputs[Number(input)];
  if (found === undefined) throw invalid(`the mount ${dest} shows an input that is not there`);
  return found;
}

const shown = (m: Mount, inputs: readonly Node[], make: Making): Node => (m.input < 0n ? make.scratch : inputOf(inputs, m));

function mountOf(m: Mount, input: number): ExecMount {
  const common = { input, target: m.dest, ...(m.selector !== '' && { selector: m.selector }), readonly: m.readonly };
  switch (m.mountType) {
    case MountType.BIND:
      return { type: 'bind', ...common, readonly: m.readonly && m.output < 0n, ...(m.output >= 0n && { output: true }) };
    case MountType.CACHE:
      return {
        type: 'cache',
        ...common,
        id: m.cacheOpt?.ID || m.dest,
        sharing:
          m.cacheOpt?.sharing === CacheSharingOpt.PRIVATE
            ? 'private'
            : m.cacheOpt?.sharing === CacheSharingOpt.LOCKED
              ? 'locked'
              : 'shared',
      };
    case MountType.TMPFS:
      return {
        type: 'tmpfs',
        input: -1,
        target: m.dest,
        readonly: false,
        ...(m.TmpfsOpt && m.TmpfsOpt.size > 0n && { size: Number(m.TmpfsOpt.size) }),
      };
    case MountType.SECRET:
    case MountType.SSH: {
      const o = m.mountType === MountType.SECRET ? m.secretOpt : m.SSHOpt;
      return {
        type: m.mountType === MountType.SECRET ? 'secret' : 'ssh',
        input: -1,
        target: m.dest,
        readonly: true,
        id: o?.ID ?? '',
        required: o?.optional !== true,
        ...(o && { mode: o.mode, uid: o.uid, gid: o.gid }),
      };
    }
    default:
      throw unsupported(`there is no type ${m.mountType} of mounts`);
  }
}
