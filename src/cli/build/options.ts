// The flags of `build`.
import { SlipwayError } from '../../model/index.ts';
import type { Option, ParsedOptions } from '../command.ts';
import { CONTENT_TRUST } from '../content-trust.ts';

const legacy = (name: string, type: Option['type'], short?: string): Option => ({
  name,
  type,
  ...(short !== undefined && { short }),
  hidden: true,
  help: 'Without effect, as with BuildKit',
});

/** What Docker still accepts for its first builder and BuildKit does without. */
const LEGACY: readonly Option[] = [
  legacy('cgroup-parent', 'string'),
  legacy('compress', 'boolean'),
  legacy('isolation', 'string'),
  legacy('security-opt', 'list'),
];

/** Of every RUN, in either engine. */
const LIMITS: readonly Option[] = [
  { name: 'cpu-period', type: 'number', placeholder: 'µs', help: 'Period in which the quota of a RUN step counts' },
  { name: 'cpu-quota', type: 'number', placeholder: 'µs', help: 'Processor time of a RUN step in each period' },
  { name: 'cpu-shares', short: 'c', type: 'number', placeholder: 'weight', help: 'Weight of RUN steps when processors are short' },
  { name: 'cpus', type: 'string', placeholder: '1.5', help: "Processors' worth of time for a RUN step" },
  { name: 'cpuset-cpus', type: 'string', placeholder: '0-2', help: 'Processors that RUN steps may use' },
  { name: 'cpuset-mems', type: 'string', placeholder: '0', help: 'Memory nodes that RUN steps may use' },
  { name: 'memory', short: 'm', type: 'string', placeholder: 'bytes', help: 'Memory limit of a RUN step' },
  { name: 'memory-swap', type: 'string', placeholder: 'bytes', help: 'Memory and swap of a RUN step; -1 for no limit' },
];

export const BUILD_OPTIONS: readonly Option[] = [
  ...LEGACY,
  ...LIMITS,
  CONTENT_TRUST,
  { name: 'annotation', type: 'list', placeholder: '[type:]key=value', help: 'Add an annotation to the manifest (or index) of the image' },
  { name: 'attest', type: 'list', placeholder: 'type=sbom|provenance', help: 'Attach statements about the image' },
  { name: 'add-host', type: 'list', placeholder: 'name:ip', help: 'Add a custom host-to-IP mapping' },
  {
    name: 'allow',
    type: 'list',
    placeholder: 'entitlement',
    help: 'Allow steps to use network.host or security.insecure',
  },
  { name: 'build-arg', type: 'list', placeholder: 'NAME=value', help: 'Set build-time variables' },
  { name: 'build-context', type: 'list', placeholder: 'name=path', help: 'Additional build contexts' },
  {
    name: 'cache-from',
    type: 'list',
    placeholder: 'type=…',
    help: 'Import caches: IMAGE, or type=local|registry[,src=DIR][,ref=NAME][,mounts=true|false|id;id]',
  },
  {
    name: 'cache-to',
    type: 'list',
    placeholder: 'type=…',
    help: 'Export the cache: type=local|registry|inline[,dest=DIR][,ref=NAME][,mode=min|max][,mounts=true|id;id]',
  },
  { name: 'call', type: 'string', placeholder: 'method', help: 'Report instead of building: check, outline or targets, with ,format=json' },
  { name: 'check', type: 'boolean', help: 'Check the Dockerfile without building (--call=check)' },
  { name: 'compare', type: 'boolean', help: 'Build with both engines and show the difference' },
  { name: 'ui', type: 'boolean', help: 'Show the build in a browser while it runs; the address is printed' },
  { name: 'debug', type: 'boolean', help: 'Open a shell where a step failed, with its files, mounts and environment' },
  { name: 'explain', type: 'boolean', help: 'Explain in full why steps were not cached' },
  { name: 'file', short: 'f', type: 'string', placeholder: 'path', help: 'Name of the Dockerfile (default: PATH/Dockerfile)' },
  { name: 'force-rm', type: 'boolean', help: 'Always remove intermediate containers (original engine)' },
  { name: 'format', type: 'string', placeholder: 'text|json', help: 'Output format of --check and --call' },
  { name: 'iidfile', type: 'string', placeholder: 'path', help: 'Write the image ID to a file' },
  {
    name: 'jobs',
    short: 'j',
    type: 'number',
    placeholder: 'n',
    help: 'Maximum number of CPU-bound steps in parallel (default: number of processors)',
  },
  { name: 'label', type: 'list', placeholder: 'key=value', help: 'Set metadata for the image' },
  { name: 'load', type: 'boolean', help: 'Also store the image, whatever --output says' },
  { name: 'metadata-file', type: 'string', placeholder: 'path', help: 'Write the result of the build to a file as JSON' },
  { name: 'network', type: 'string', placeholder: 'mode', help: 'Network of RUN steps: default, none, host, or the name of one' },
  {
    name: 'list-context',
    type: 'string',
    implied: 'table',
    placeholder: 'table|paths|json',
    help: 'Print the files of the context, which step reads them, and which pattern excludes what, without building',
  },
  {
    name: 'lock',
    type: 'string',
    implied: 'write',
    placeholder: 'write|off',
    help: 'Write the base images in use to Dockerfile.lock, which later builds obey; off ignores it',
  },
  { name: 'no-cache', type: 'boolean', help: 'Do not use the cache' },
  { name: 'no-cache-filter', type: 'list', placeholder: 'stage', help: 'Do not use the cache for these stages' },
  {
    name: 'output',
    short: 'o',
    type: 'list',
    placeholder: 'type=…',
    help: 'Destination of the result: a folder, or type=image|docker|oci|tar|local|cacheonly[,dest=PATH]',
  },
  {
    name: 'test',
    type: 'string',
    placeholder: 'first|only',
    implied: 'first',
    help: 'Run the stages that are marked "# test: NAME" side by side, and build only if all pass',
  },
  { name: 'test-output', type: 'string', placeholder: 'file', help: "Write the tests' results into a file, as JUnit's XML" },
  {
    name: 'plan',
    type: 'string',
    implied: 'auto',
    placeholder: 'text|boxes|dot|mermaid|json',
    help: 'Print the graph and what would run, without building; a terminal gets boxes',
  },
  { name: 'platform', type: 'list', placeholder: 'os/arch', help: 'Set the target platform; several create an image index' },
  { name: 'progress', type: 'string', placeholder: 'auto|plain|tty|quiet|rawjson|none', help: 'Type of progress output' },
  {
    name: 'provenance',
    type: 'list',
    placeholder: 'true|mode=min|mode=max',
    help: 'Attach the provenance of the image (SLSA)',
  },
  { name: 'pull', type: 'boolean', help: 'Always check for newer base images' },
  { name: 'push', type: 'boolean', help: 'Push the image (--output type=registry)' },
  { name: 'quiet', short: 'q', type: 'boolean', help: 'Print the image ID and nothing else' },
  {
    name: 'reproducible',
    type: 'boolean',
    help: 'Set all times to SOURCE_DATE_EPOCH or 0, so that equal inputs give equal images',
  },
  { name: 'rm', type: 'boolean', help: 'Remove intermediate containers after a successful build (original engine; on by default)' },
  { name: 'sbom', type: 'list', placeholder: 'true', help: 'Attach a bill of materials (SPDX)' },
  { name: 'secret', type: 'list', placeholder: 'id=…', help: 'Secret to expose to the build: id=NAME[,src=FILE|,env=VAR][,cache=content]' },
  { name: 'squash', type: 'boolean', help: 'Squash the layers that this build makes into one, upon the base' },
  { name: 'squash-all', type: 'boolean', help: 'Squash all layers into one, those of the base too' },
  { name: 'squash-stage', type: 'list', placeholder: 'stage', help: 'Squash the layers that a stage brings to the image into one' },
  { name: 'ssh', type: 'list', placeholder: 'default|id=socket', help: 'SSH agent to expose to the build' },
  { name: 'shm-size', type: 'string', placeholder: 'bytes', help: 'Size of /dev/shm of RUN steps' },
  { name: 'tag', short: 't', type: 'list', placeholder: 'name:tag', help: 'Name of the image, several are possible' },
  { name: 'target', type: 'string', placeholder: 'stage', help: 'The stage to build' },
  { name: 'ulimit', type: 'list', placeholder: 'name=soft:hard', help: 'Limits of RUN steps' },
  {
    name: 'volume',
    short: 'v',
    type: 'list',
    placeholder: 'folder:path[:ro]',
    help: 'Show a file or folder of this machine to every RUN',
  },
  { name: 'verify', type: 'boolean', help: 'Build again without the cache and report differences file by file' },
];

/** A warning for each flag that has no effect; the original engine, where it would have one in Docker, refuses it. */
export function legacyWarnings(o: ParsedOptions, which: 'graph' | 'classic'): string[] {
  const given = LEGACY.filter(({ name }) => o.has(name) && !(name === 'compress' && !o.bool(name)));
  const [first] = given;
  if (which === 'classic' && first !== undefined && first.name !== 'compress')
    throw new SlipwayError('unsupported', 'build.legacy-flag', `the --${first.name} option is not supported by the original engine`, {
      exitCode: 125,
    });
  return given.map(({ name }) => `WARNING: --${name} has no effect on a build`);
}

/** Flags that only the graph engine has. */
const GRAPH_ONLY = [
  'annotation',
  'attest',
  'provenance',
  'push',
  'sbom',
  'allow',
  'build-context',
  'cache-to',
  'call',
  'check',
  'debug',
  'explain',
  'jobs',
  'list-context',
  'metadata-file',
  'no-cache-filter',
  'output',
  'plan',
  'reproducible',
  'secret',
  'squash-all',
  'squash-stage',
  'ssh',
  'test',
  'verify',
];

/** Flags that the original engine has not, refused in Docker's words. */
export function refuseGraphFlags(o: ParsedOptions): void {
  const flag = GRAPH_ONLY.find((name) => o.has(name));
  if (flag === undefined) return;
  throw new SlipwayError(
    'unsupported',
    'build.needs-graph',
    `the --${flag} option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/ to learn how to build images with BuildKit enabled`,
    { hints: ['the graph engine has it: DOCKER_BUILDKIT=1 slipway build …'] },
  );
}
