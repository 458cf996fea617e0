// RUN: a command in a container on the file system being built. Whatever is mounted for it, and whatever had to be made for
// that, is gone when it ends; what stays is what the command itself wrote.
import { chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { quote } from '../../../dockerfile/index.ts';
import { isSlipwayError, SlipwayError } from '../../../model/index.ts';
import { type BuildNetwork, hostResolvConf, hostsFile, resolvConf } from '../../../network/index.ts';
import { ownedName } from '../../../store/index.ts';
import { type Directory, processorTime, RootedTree, SYSTEM_PATH } from '../../../sys/index.ts';
import {
  defaultSpec,
  foreignPlatform,
  placeMounts,
  refuseUnstartable,
  resolveUser,
  type OciSpec,
  type SpecMount,
  type SpecOptions,
} from '../../../runtime/index.ts';
import type { RunRequest, StepEnvironment } from '../types.ts';
import { withoutUmask } from '../umask.ts';
import { prepareMounts } from './mounts.ts';
import { Scratch } from './scratch.ts';
import { Stubs } from './stubs.ts';
import { resources } from '../../../container/index.ts';
import { randomBytes, withCleanup } from '../../../util/index.ts';

/**
 * Runs one command to its end. A program's own failure is an exit code; what prevents it from starting is an error:
 * 'run.not-allowed', 'run.no-*', 'container.*'. Aborting kills it and rejects with the signal's reason.
 */
export async function runStep(env: StepEnvironment, request: RunRequest): Promise<{ exitCode: number }> {
  checkEntitlements(request);
  request.signal.throwIfAborted();
  // until its command runs, a step only prepares and waits
  request.onWork?.(() => 0);
  const id = request.id ?? randomBytes(32).toString('hex');
  const root = request.rootfs.path;
  const scratch = new Scratch(join(env.layout.run, 'build', ownedName(env.layout.root)));
  using tree = new RootedTree(root);
  const stubs = new Stubs();
  const work = async (): Promise<{ exitCode: number }> => {
    const user = await asStepError(request, () => resolveUser(root, request.user));
    makeWorkdir(tree, request, user);
    const prepared = await prepareMounts(env, request, scratch);
    const hostname = request.hostname ?? (request.style === 'graph' ? 'buildkitsandbox' : id.slice(0, 12));
    const variables = [...request.env, ...prepared.env];
    if (!variables.some((v) => v.startsWith('PATH='))) variables.unshift(`PATH=${SYSTEM_PATH}`);
    if (!variables.some((v) => v.startsWith('HOME='))) variables.push(`HOME=${user.home}`);
    if (request.style === 'classic' && !variables.some((v) => v.startsWith('HOSTNAME='))) variables.push(`HOSTNAME=${hostname}`);
    const network = await (await env.networks()).acquire(request.network, request.signal);
    try {
      const options: SpecOptions = {
        rootfs: root,
        args: request.args,
        env: variables,
        cwd: request.workdir,
        user,
        hostname,
        netns: network.netnsPath,
        mounts: [...systemFiles(request, scratch, hostname, network), ...prepared.mounts],
        privileged: request.security === 'insecure',
        ...(request.readonly && { readonly: true }),
        cgroupsPath: '',
        ...(request.attached?.terminal && { tty: true }),
        ...(request.ulimits ? { ulimits: request.ulimits } : {}),
        ...(request.limits && { resources: await resourcesOf(request, env) }),
        ...(request.shmSize === undefined ? {} : { shmSize: request.shmSize }),
      };
      const spec = await asStepError(request, () => {
        const plain = defaultSpec(options);
        refuseUnstartable(plain);
        return { ...plain, mounts: withoutUmask(() => placeMounts(tree, plain.mounts, (...place) => makePlace(request, stubs, ...place))) };
      });
      const runtime = await env.runtime();
      const { attached } = request;
      // Runtimes write copies of the specification into their own folder.
      const place = prepared.secret
        ? { bundle: join(scratch.secretDirectory(), 'bundle'), stateRoot: scratch.secretDirectory() }
        : { bundle: join(scratch.path, 'bundle') };
      const ended = await asStepError(request, () =>
        attached
          ? runtime.runForeground({
              id,
              ...place,
              spec,
              ...attached.streams,
              signal: request.signal,
              ...(attached.terminal && { terminal: attached.terminal }),
            })
          : runtime.run({
              id,
              ...place,
              spec,
              onProcess: (pid) => {
                request.onWork?.(() => processorTime(pid));
                // its layer will be hashed: loading that takes 8 ms, which cost nothing while the command runs
                setImmediate(() => process.getBuiltinModule('node:crypto'));
              },
              onStdout: (chunk) => request.onOutput('stdout', chunk),
              onStderr: (chunk) => request.onOutput('stderr', chunk),
              signal: request.signal,
            }),
      );
      if (ended.exitCode !== 0) refuseForeign(spec);
      return ended;
    } finally {
      network.release();
    }
  };
  return await withCleanup(
    work,
    () => scratch.close(),
    () => stubs.remove(),
  );
}

/** @throws SlipwayError unsupported `run.limits` where nothing limits anything */
async function resourcesOf({ limits = {} }: RunRequest, env: StepEnvironment): Promise<NonNullable<SpecOptions['resources']>> {
  if ((await env.runtime()).cgroups) return resources(limits);
  throw new SlipwayError('unsupported', 'run.limits', 'limits of a step need control groups, which cannot be made here', {
    hints: ['build without --memory, --cpus and their kin'],
  });
}

function checkEntitlements(request: RunRequest): void {
  if (request.style === 'classic') return;
  const wanted = [
    ...(request.network === 'host' ? ['network.host'] : []),
    ...(request.security === 'insecure' ? ['security.insecure'] : []),
  ];
  for (const one of wanted) {
    if (!request.allow?.includes(one))
      throw new SlipwayError('permission-denied', 'run.not-allowed', `${one} is not allowed`, { hints: [`allow it with --allow ${one}`] });
  }
}

/** To the graph engine a command that cannot even start is a failed process. */
async function asStepError<T>(request: RunRequest, fn: () => T | Promise<T>): Promise<T> {
  try {
    return await fn();
  } catch (e) {
    if (!isSlipwayError(e) || !e.code.startsWith('container.')) throw e;
    // It carries the exit code of a container that cannot be started; a build that fails has its own.
    const process = request.style === 'graph' ? `process ${quote(request.args.join(' '))} did not complete successfully: ` : '';
    throw new SlipwayError('process-failed', e.code, `${process}${e.message}`, {
      cause: e,
      hints: e.hints,
    });
  }
}

/** A program that failed because it is one for another processor. */
function refuseForeign(spec: OciSpec): void {
  const foreign = foreignPlatform(spec);
  if (foreign === undefined) return;
  throw new SlipwayError(
    'process-failed',
    'run.foreign',
    `exec ${spec.process.args[0]}: exec format error: it is for linux/${foreign.platform}`,
    {
      hints: [
        `this machine runs such programs once binfmt_misc knows ${foreign.emulator} (packages binfmt-support and qemu-user-static)`,
        'steps that need not run there can run here: FROM --platform=$BUILDPLATFORM',
      ],
    },
  );
}

/** The working directory, made for whoever runs there when the image lacks it. */
function makeWorkdir(tree: RootedTree, request: RunRequest, user: { readonly uid: number; readonly gid: number }): void {
  const inside = tree.locate(request.workdir);
  if (tree.stat(inside)?.isDirectory()) return;
  const owner = request.style === 'graph' ? user : { uid: 0, gid: 0 };
  withoutUmask(() => tree.makeDirectories(inside, 0o755, (parent, name) => chownSync(parent.at(name), owner.uid, owner.gid))).close();
}

/** The runtime's own directories stay in a layer of the graph engine, as in Docker; all else that lacks a place is gone afterwards. */
function makePlace(request: RunRequest, stubs: Stubs, parent: Directory, name: string, directory: boolean): void {
  if (request.style === 'graph' && parent.inside === '' && ['dev', 'proc', 'sys'].includes(name)) mkdirSync(parent.at(name), 0o755);
  else stubs.make(parent, name, directory);
}

/** The files under /etc that tell a container where it is: bound over what the image has, so that they never enter a layer. */
function systemFiles(request: RunRequest, scratch: Scratch, hostname: string, { ip, dns = [] }: BuildNetwork): SpecMount[] {
  const file = (name: string, text: string): SpecMount => ({
    destination: `/etc/${name}`,
    type: 'bind',
    source: scratch.file(name, text),
    options: ['rbind', ...(request.style === 'graph' ? ['ro', 'nosuid', 'nodev', 'noexec'] : ['rw']), 'rprivate'],
  });
  const hosts = hostsFile({
    hostname,
    sandbox: request.style === 'graph',
    ...(request.style === 'classic' && ip !== undefined && { ip }),
    ...(request.addHosts && { extraHosts: request.addHosts }),
  });
  const files = [
    file('resolv.conf', resolvConf(hostResolvConf(), { keepLoopback: request.network === 'host', dns })),
    file('hosts', hosts),
  ];
  if (request.style === 'classic') files.push(file('hostname', `${hostname}\n`));
  return files;
}
