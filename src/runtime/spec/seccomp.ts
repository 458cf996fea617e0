// The seccomp filter of a process: the default one, or a profile from a file in Docker's form, with its conditions on capabilities
// and architectures, converted to the form of the OCI specification (config-linux.md § Seccomp), which has none.
import { SlipwayError } from '../../model/index.ts';
import { readRegularFile, whyNotRead } from '../../sys/index.ts';
import type { Seccomp, SeccompArg } from './oci.ts';
import { defaultSeccomp } from './seccomp-default.ts';

interface Condition {
  readonly arches?: readonly string[];
  readonly caps?: readonly string[];
  readonly minKernel?: string;
}

export interface DockerProfile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly archMap?: readonly { readonly architecture: string; readonly subArchitectures?: readonly string[] }[];
  readonly architectures?: readonly string[];
  readonly syscalls?: readonly {
    readonly name?: string;
    readonly names?: readonly string[];
    readonly action: string;
    readonly errnoRet?: number;
    readonly args?: readonly SeccompArg[] | null;
    readonly includes?: Condition;
    readonly excludes?: Condition;
  }[];
}

const ARCHITECTURES: Readonly<Record<string, { readonly seccomp: string; readonly go: string }>> = {
  x64: { seccomp: 'SCMP_ARCH_X86_64', go: 'amd64' },
  arm64: { seccomp: 'SCMP_ARCH_AARCH64', go: 'arm64' },
};

const converted = new Map<string, Seccomp>();

/**
 * The filter for a process with these capabilities. `profile` is a path, or the profile itself as JSON; the default profile when left out or 'builtin'. The same object comes
 * back for the same question, so that its compiled form can be stored by it. Throws invalid-argument 'container.seccomp-profile'.
 */
export function seccompFor(profile: string | undefined, capabilities: readonly string[], kernel: string): Seccomp {
  const path = profile ?? 'builtin';
  const key = `${path}\0${[...capabilities].sort().join(',')}`;
  let result = converted.get(key);
  if (result === undefined) {
    const set = new Set(capabilities);
    const { arch } = process;
    result = path === 'builtin' ? defaultSeccomp(set, arch) : convertProfile(readProfile(path), { capabilities: set, arch, kernel });
    converted.set(key, result);
  }
  return result;
}

/** A client of the API sends the profile, which begins as no absolute path does. */
const isText = (profile: string): boolean => profile.startsWith('{');

function readProfile(path: string): DockerProfile {
  const failure = (what: string, cause: unknown): SlipwayError =>
    new SlipwayError(
      'invalid-argument',
      'container.seccomp-profile',
      `${what} seccomp profile${isText(path) ? '' : ` (${path})`} failed: ${whyNotRead(cause) ?? (cause as Error).message}`,
      {
        cause,
      },
    );
  let text: string;
  try {
    text = isText(path) ? path : readRegularFile(path).toString();
  } catch (cause) {
    throw failure('opening', cause);
  }
  try {
    return JSON.parse(text) as DockerProfile;
  } catch (cause) {
    throw failure('decoding', cause);
  }
}

export interface ConversionContext {
  readonly capabilities: ReadonlySet<string>;
  /** As `process.arch`. */
  readonly arch: string;
  /** As `uname -r`. */
  readonly kernel: string;
}

function convertProfile(profile: DockerProfile, context: ConversionContext): Seccomp {
  const native = ARCHITECTURES[context.arch];
  const map = profile.archMap?.find((entry) => entry.architecture === native?.seccomp);
  const architectures = map === undefined ? profile.architectures : [map.architecture, ...(map.subArchitectures ?? [])];
  const syscalls = (profile.syscalls ?? [])
    .filter((rule) => applies(rule.includes, rule.excludes, context, native?.go ?? context.arch))
    .map((rule) => ({
      names: rule.names ?? (rule.name === undefined ? [] : [rule.name]),
      action: rule.action,
      ...(rule.errnoRet === undefined ? {} : { errnoRet: rule.errnoRet }),
      ...(rule.args == null || rule.args.length === 0 ? {} : { args: rule.args }),
    }));
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet === undefined ? {} : { defaultErrnoRet: profile.defaultErrnoRet }),
    ...(architectures === undefined || architectures.length === 0 ? {} : { architectures }),
    syscalls,
  };
}

function applies(includes: Condition = {}, excludes: Condition = {}, context: ConversionContext, arch: string): boolean {
  if (includes.arches?.length && !includes.arches.includes(arch)) return false;
  if (includes.caps?.some((cap) => !context.capabilities.has(cap))) return false;
  if (includes.minKernel !== undefined && !kernelAtLeast(context.kernel, includes.minKernel)) return false;
  if (excludes.arches?.includes(arch)) return false;
  if (excludes.caps?.some((cap) => context.capabilities.has(cap))) return false;
  return excludes.minKernel === undefined || !kernelAtLeast(context.kernel, excludes.minKernel);
}

function kernelAtLeast(kernel: string, wanted: string): boolean {
  const [major = 0, minor = 0] = kernel.split(/[.-]/).map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
