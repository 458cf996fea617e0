// `build`: flags to a request, events to a screen, the result to files and standard output.
import { basename, resolve } from 'node:path';
import { writeFileSync } from 'node:fs';
import {
  contextSource,
  openContext,
  openNamedContext,
  type BuildRequest,
  type NamedContext,
  type SecretSource,
} from '../../build/index.ts';
import { build as runBuild, examineBuild, parseOutput, writeOutput } from '../../engine/index.ts';
import { isSlipwayError, parsePlatform, parseReference, SlipwayError } from '../../model/index.ts';
import { parseBytes } from '../../util/index.ts';
import { answerCall, parseCall } from '../build/call.ts';
import { addHost, buildArgs, labels, output, secret, ulimit } from '../build/values.ts';
import type { Command, Context, ParsedOptions } from '../command.ts';
import { renderExcerpt } from '../excerpt.ts';
import { openDisplay } from '../progress/index.ts';

export const build: Command = {
  name: 'build',
  summary: 'Build an image from a Dockerfile',
  usage: '[OPTIONS] PATH | -',
  examples: ['slipway build -t app .', 'slipway build --target test --progress plain .', 'DOCKER_BUILDKIT=0 slipway build -t app .'],
  args: { min: 1, max: 1 },
  options: [
    { name: 'add-host', type: 'list', placeholder: 'name:ip', help: 'Add a custom host-to-IP mapping' },
    {
      name: 'allow',
      type: 'list',
      placeholder: 'entitlement',
      help: 'Allow network.host or security.insecure to the steps that ask for it',
    },
    { name: 'build-arg', type: 'list', placeholder: 'NAME=value', help: 'Set build-time variables' },
    { name: 'build-context', type: 'list', placeholder: 'name=path', help: 'Additional build contexts' },
    { name: 'call', type: 'string', placeholder: 'method', help: 'Tell instead of building: check, outline or targets, with ,format=json' },
    { name: 'check', type: 'boolean', help: 'Check the Dockerfile and build nothing (--call=check)' },
    { name: 'explain', type: 'boolean', help: 'Tell in full why steps ran that an earlier build had' },
    { name: 'file', short: 'f', type: 'string', placeholder: 'path', help: 'Name of the Dockerfile (default: PATH/Dockerfile)' },
    { name: 'force-rm', type: 'boolean', help: 'Always remove intermediate containers (original engine)' },
    { name: 'format', type: 'string', placeholder: 'text|json', help: 'How --check and --call tell' },
    { name: 'iidfile', type: 'string', placeholder: 'path', help: 'Write the image ID to a file' },
    {
      name: 'jobs',
      short: 'j',
      type: 'number',
      placeholder: 'n',
      help: 'Steps that use the processor run side by side (default: processors)',
    },
    { name: 'label', type: 'list', placeholder: 'key=value', help: 'Set metadata for the image' },
    { name: 'load', type: 'boolean', help: 'Store the image (always done)' },
    { name: 'metadata-file', type: 'string', placeholder: 'path', help: 'Write what the build resulted in to a file, as JSON' },
    { name: 'network', type: 'string', placeholder: 'mode', help: 'Network of RUN steps: default, none or host' },
    { name: 'no-cache', type: 'boolean', help: 'Do not use the cache' },
    { name: 'no-cache-filter', type: 'list', placeholder: 'stage', help: 'Do not use the cache for these stages' },
    {
      name: 'output',
      short: 'o',
      type: 'list',
      placeholder: 'type=…',
      help: 'Where the result goes: a folder, or type=image|docker|oci|tar|local|cacheonly[,dest=PATH]',
    },
    { name: 'platform', type: 'string', placeholder: 'os/arch', help: 'Set the target platform' },
    { name: 'progress', type: 'string', placeholder: 'auto|plain|tty|quiet|rawjson|none', help: 'Type of progress output' },
    { name: 'pull', type: 'boolean', help: 'Always ask for newer base images' },
    { name: 'quiet', short: 'q', type: 'boolean', help: 'Print the image ID and nothing else' },
    { name: 'rm', type: 'boolean', help: 'Remove intermediate containers after a successful build (original engine; on by default)' },
    { name: 'secret', type: 'list', placeholder: 'id=…', help: 'Secret to expose to the build: id=NAME[,src=FILE|,env=VAR]' },
    { name: 'shm-size', type: 'string', placeholder: 'bytes', help: 'Size of /dev/shm of RUN steps' },
    { name: 'tag', short: 't', type: 'list', placeholder: 'name:tag', help: 'Name of the image, several are possible' },
    { name: 'target', type: 'string', placeholder: 'stage', help: 'The stage to build' },
    { name: 'ulimit', type: 'list', placeholder: 'name=soft:hard', help: 'Limits of RUN steps' },
  ],
  run,
};

async function run(ctx: Context, o: ParsedOptions, args: string[]): Promise<number> {
  const which = ctx.settings.buildkit ? 'graph' : 'classic';
  if (which === 'classic') refuseGraphFlags(o);
  const progress = o.bool('quiet') ? 'quiet' : (o.string('progress') ?? ctx.settings.progress ?? 'auto');
  const call = parseCall(o.string('call'), o.bool('check'), o.string('format'));
  const display = openDisplay(progress, ctx, which, o.bool('explain'));
  const engine = await ctx.engine();
  let context: Awaited<ReturnType<typeof openContext>> | undefined;
  try {
    const request = await makeRequest();
    if (call.method !== 'build') {
      const answer = answerCall(call, await examineBuild(engine, request), request.buildArgs);
      ctx.stdout.write(answer.text);
      return answer.exitCode;
    }
    const outputs = o.list('output').map((text) => parseOutput(output(text), ctx.cwd, ctx.stdout.isTTY));
    const stored = outputs.length === 0 || outputs.some((out) => out.kind === 'image');
    const names = outputs.flatMap((out) => (out.kind === 'image' ? out.names : []));
    const before = stored ? undefined : new Set(engine.images.list({ all: true }).map((i) => i.id));
    const result = await runBuild(engine, which, { ...request, tags: stored ? [...request.tags, ...names] : [] });
    try {
      for (const out of outputs) await writeOutput(engine, result.image, out, request.tags, ctx.signal);
    } finally {
      // Only what is asked for stays; the cache has the layers.
      if (before && !before.has(result.image.id)) engine.images.remove(result.image.id);
    }
    display.end(false);
    if (o.bool('quiet')) ctx.stdout.write(`${result.image.id}\n`);
    const iidfile = o.string('iidfile');
    if (iidfile !== undefined) writeFileSync(resolve(ctx.cwd, iidfile), result.image.id);
    const metadata = o.string('metadata-file');
    if (metadata !== undefined)
      writeFileSync(resolve(ctx.cwd, metadata), `${JSON.stringify(metadataOf(result.image.id, request), null, 2)}\n`);
    return 0;
  } catch (e) {
    display.end(true);
    if (!isSlipwayError(e) || e.kind === 'cancelled') throw e;
    return report(ctx, e, which);
  } finally {
    context?.dispose();
  }

  async function makeRequest(): Promise<BuildRequest> {
    for (const t of o.list('tag')) checkTag(t, which);
    const scratch = engine.layout.ingest;
    const file = o.string('file');
    const source = contextSource(args[0] ?? '.', ctx.cwd, () => ctx.stdin);
    const fromStdin = file === '-';
    if (fromStdin && source.kind === 'stream')
      throw new SlipwayError(
        'invalid-argument',
        'build.two-stdin',
        "invalid argument: can't use stdin for both build context and dockerfile",
      );
    const secrets = new Map<string, SecretSource>();
    for (const text of o.list('secret')) {
      const s = secret(text, ctx.env);
      secrets.set(s.id, s.kind === 'file' ? { kind: 'file', path: resolve(ctx.cwd, s.path) } : s);
    }
    const given = buildArgs(o.list('build-arg'), ctx.env);
    const environment = Object.fromEntries(Object.entries(ctx.env).filter((e): e is [string, string] => e[1] !== undefined));
    const keepGitDir = ['1', 'true'].includes(given['BUILDKIT_CONTEXT_KEEP_GIT_DIR'] ?? '');
    const opening = { cwd: ctx.cwd, scratch, signal: ctx.signal, elsewhere: { environment, secrets }, keepGitDir };
    context = await openContext(source, {
      ...opening,
      ...(fromStdin ? { dockerfileText: await readAll(ctx.stdin) } : file !== undefined && { dockerfile: file }),
      wording: which,
    });
    const namedContexts = new Map<string, NamedContext>();
    for (const word of o.list('build-context')) {
      const eq = word.indexOf('=');
      if (eq < 1) throw new SlipwayError('invalid-argument', 'flag.build-context', `invalid context value: ${word}, expected key=value`);
      const name = word.slice(0, eq).toLowerCase();
      namedContexts.set(name, await openNamedContext(name, word.slice(eq + 1), opening));
    }
    const platform = o.string('platform') ?? ctx.env['DOCKER_DEFAULT_PLATFORM'];
    const shm = o.string('shm-size');
    const epoch =
      o
        .list('build-arg')
        .findLast((a) => a.startsWith('SOURCE_DATE_EPOCH='))
        ?.slice(18) ?? ctx.env['SOURCE_DATE_EPOCH'];
    const target = o.string('target');
    const jobs = o.number('jobs');
    if (jobs !== undefined && !(Number.isInteger(jobs) && jobs > 0))
      throw new SlipwayError('invalid-argument', 'flag.jobs', `invalid number of jobs: ${jobs}`, {
        hints: ['--jobs takes a whole number from 1'],
      });
    return {
      dockerfile: context.dockerfile(),
      context,
      environment,
      ...(target !== undefined && target !== '' && { target }),
      buildArgs: given,
      labels: labels(o.list('label')),
      tags: o.list('tag'),
      noCache: o.bool('no-cache'),
      noCacheFilter: o.list('no-cache-filter').flatMap((f) => f.split(',')),
      pull: o.bool('pull'),
      ...(jobs !== undefined && { jobs }),
      identity: identityOf(args[0] ?? '.', file),
      name: nameOf(args[0] ?? '.', target),
      ...(platform !== undefined && platform !== '' && { platform: parsePlatform(platform) }),
      network: networkMode(o.string('network') ?? 'default'),
      addHosts: o.list('add-host').map(addHost),
      ...(shm !== undefined && { shmSize: parseSize(shm) }),
      ulimits: o.list('ulimit').map(ulimit),
      secrets,
      namedContexts,
      allow: o.list('allow').flatMap((a) => a.split(',')),
      classic: { rm: !o.has('rm') || o.bool('rm'), forceRm: o.bool('force-rm') },
      ...(epoch !== undefined && epoch !== '' && { sourceDateEpoch: Number(epoch) }),
      signal: ctx.signal,
      onEvent: (e) => display.event(e),
    };
  }

  /** What two builds of the same Dockerfile have in common. */
  function identityOf(path: string, file: string | undefined): string {
    const local = (text: string): string => (/^(?:[a-z+]+:\/\/|git@|-$)/.test(text) ? text : resolve(ctx.cwd, text));
    return `${local(path)} ${file === undefined ? 'Dockerfile' : local(file)}`;
  }

  function nameOf(path: string, target: string | undefined): string {
    const context = path === '-' ? 'stdin' : basename(/^[a-z+]+:\/\//.test(path) ? path : resolve(ctx.cwd, path)) || '/';
    return target === undefined || target === '' ? context : `${context} (${target})`;
  }
}

/** Flags that the original engine has not, refused in Docker's words. */
function refuseGraphFlags(o: ParsedOptions): void {
  for (const flag of [
    'explain',
    'jobs',
    'secret',
    'allow',
    'build-context',
    'no-cache-filter',
    'metadata-file',
    'call',
    'check',
    'output',
  ]) {
    if (!o.has(flag)) continue;
    throw new SlipwayError(
      'unsupported',
      'build.needs-graph',
      `the --${flag} option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/ to learn how to build images with BuildKit enabled`,
      {
        hints: ['the graph engine has it: DOCKER_BUILDKIT=1 slipway build …'],
      },
    );
  }
}

function networkMode(mode: string): 'default' | 'none' | 'host' {
  if (mode === 'default' || mode === 'bridge') return 'default';
  if (mode === 'none' || mode === 'host') return mode;
  throw new SlipwayError('invalid-argument', 'flag.network', `network mode ${JSON.stringify(mode)} not supported by the builder`, {
    hints: ['--network default, none or host'],
  });
}

function parseSize(text: string): number {
  const n = parseBytes(text);
  if (n === undefined)
    throw new SlipwayError('invalid-argument', 'flag.size', `invalid size: '${text}'`, { hints: ['a number with a unit, such as 64m'] });
  return n;
}

function checkTag(tag: string, which: 'graph' | 'classic'): void {
  try {
    parseReference(tag);
  } catch (e) {
    if (!isSlipwayError(e)) throw e;
    const [message, exitCode] =
      which === 'classic'
        ? [`invalid argument "${tag}" for "-t, --tag" flag: ${e.message}`, 125]
        : [`invalid tag "${tag}": ${e.message}`, 1];
    throw new SlipwayError('invalid-argument', 'flag.tag', message, { cause: e, exitCode });
  }
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

const metadataOf = (id: string, request: BuildRequest): Record<string, unknown> => ({
  'containerimage.config.digest': id,
  'containerimage.digest': id,
  ...(request.tags.length > 0 && { 'image.name': request.tags.join(',') }),
});

/** A failed build in the words and the form that Docker's users know, and what to do about it. */
function report(ctx: Context, e: SlipwayError, which: 'graph' | 'classic'): number {
  const excerpt = e.source ? renderExcerpt(e.source) : '';
  const head = which === 'graph' ? 'ERROR: failed to build: failed to solve: ' : '';
  const hints = e.hints.length > 0 ? `\n${e.hints.map((h) => `hint: ${h}\n`).join('')}` : '';
  ctx.stderr.write(which === 'graph' ? `${excerpt}${head}${e.message}\n${hints}` : `${e.message}\n${excerpt}${hints}`);
  return which === 'classic' ? (e.exitCode ?? 1) : 1;
}
