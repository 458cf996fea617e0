// Commands on registries: pull, push, login, logout.
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import {
  type Compression,
  knownCredentials,
  localTags,
  login as signIn,
  logout as signOut,
  pushAllPlatforms,
  pushImage,
  type Pushed,
  type PushProgress,
  remoteTags,
  USUAL_LEVELS,
} from '../../engine/index.ts';
import {
  familiarReference,
  parsePlatform,
  parseReference,
  type Reference,
  repositoryName,
  SlipwayError,
  withDefaultTag,
} from '../../model/index.ts';
import { readStream } from '../../sys/index.ts';
import { formatBytes } from '../../util/index.ts';
import { CONTENT_TRUST, refuseContentTrust } from '../content-trust.ts';
import type { Command, Context, ParsedOptions } from '../command.ts';
import { checkPlatform, PLATFORM, wantedPlatform } from '../image-platform.ts';
import { Rows } from '../progress/rows.ts';
import { shownPull, wholeName } from '../pulling.ts';

export const pull: Command = {
  name: 'pull',
  summary: 'Download an image from a registry',
  usage: '[OPTIONS] NAME[:TAG|@DIGEST]',
  examples: ['slipway pull debian:12', 'slipway pull --platform linux/arm64 localhost:5000/app:1.2'],
  args: { min: 1, max: 1 },
  options: [
    { name: 'all-tags', short: 'a', type: 'boolean', help: 'Download all tags of the repository' },
    CONTENT_TRUST,
    { name: 'platform', type: 'string', placeholder: 'os/arch', help: 'Platform to pull from an index' },
    { name: 'quiet', short: 'q', type: 'boolean', help: 'Print the name only' },
  ],
  async run(ctx, o, args) {
    refuseContentTrust(o);
    const ref = parseReference(args[0] ?? '');
    const quiet = o.bool('quiet');
    const platform = o.string('platform') ?? ctx.env['DOCKER_DEFAULT_PLATFORM'];
    if (o.bool('all-tags') && (ref.tag !== undefined || ref.digest !== undefined))
      throw new SlipwayError('invalid-argument', 'cli.all-tags', "tag can't be used with --all-tags/-a");
    const names = o.bool('all-tags') ? await remoteTags(await ctx.engine(), ref, ctx.signal) : [ref];
    if (names.length === 0) throw new SlipwayError('not-found', 'registry.no-tags', `${repositoryName(ref)} has no tags`);
    if (!quiet && !o.bool('all-tags') && ref.tag === undefined && ref.digest === undefined) ctx.stdout.write('Using default tag: latest\n');
    for (const name of names)
      await shownPull(ctx, name, { out: ctx.stdout, quiet, ...(platform && { platform: parsePlatform(platform) }) });
    ctx.stdout.write(`${o.bool('all-tags') ? repositoryName(ref) : wholeName(ref)}\n`);
  },
};

export const push: Command = {
  name: 'push',
  summary: 'Upload an image to a registry',
  usage: '[OPTIONS] NAME[:TAG]',
  examples: ['slipway push localhost:5000/app:1.2', 'slipway push --compression zstd:9 example.azurecr.io/app'],
  args: { min: 1, max: 1 },
  options: [
    { name: 'all-tags', short: 'a', type: 'boolean', help: 'Upload all tags of the repository' },
    { name: 'all-platforms', type: 'boolean', help: 'Push the whole index that the image was pulled from' },
    {
      name: 'compression',
      type: 'string',
      placeholder: 'gzip|zstd[:level]',
      help: 'Compression of layers that are not compressed (gzip:4)',
    },
    CONTENT_TRUST,
    { name: 'force-compression', type: 'boolean', help: 'Recompress layers that are already compressed' },
    PLATFORM,
    { name: 'quiet', short: 'q', type: 'boolean', help: 'Print the name only' },
  ],
  async run(ctx, o, args) {
    refuseContentTrust(o);
    const wanted = wantedPlatform(o);
    if (wanted !== undefined && o.bool('all-platforms'))
      throw new SlipwayError('invalid-argument', 'cli.platform', "--platform can't be used with --all-platforms");
    const ref = parseReference(args[0] ?? '');
    const compression = parseCompression(o.string('compression') ?? 'gzip');
    const engine = await ctx.engine();
    if (o.bool('all-tags') && ref.tag !== undefined)
      throw new SlipwayError('invalid-argument', 'cli.all-tags', "tag can't be used with --all-tags/-a");
    const names = o.bool('all-tags') ? localTags(engine, ref) : [withDefaultTag(ref)];
    if (names.length === 0)
      throw new SlipwayError('not-found', 'image.not-found', `An image does not exist locally with the tag: ${repositoryName(ref)}`);
    const quiet = o.bool('quiet');
    if (!quiet && !o.bool('all-tags') && ref.tag === undefined && ref.digest === undefined) ctx.stdout.write('Using default tag: latest\n');
    if (!quiet) ctx.stdout.write(`The push refers to repository [${repositoryName(ref)}]\n`);
    for (const name of names) checkPlatform(engine, familiarReference(name), wanted);
    for (const name of names) await pushOne(ctx, name, compression, o);
    if (quiet) ctx.stdout.write(`${o.bool('all-tags') ? repositoryName(ref) : wholeName(ref)}\n`);
  },
};

const PUSH_STATES: Readonly<Record<PushProgress['state'], string>> = {
  preparing: 'Preparing',
  pushing: 'Pushing',
  pushed: 'Pushed',
  present: 'Layer already exists',
  mounted: 'Mounted from',
};

async function pushOne(ctx: Context, name: Reference, compression: Compression, o: ParsedOptions): Promise<void> {
  if (o.bool('all-platforms')) {
    const { digest, size, platforms } = await pushAllPlatforms(await ctx.engine(), name, ctx.signal);
    if (!o.bool('quiet')) ctx.stdout.write(`${name.tag ?? name.digest}: digest: ${digest} size: ${size} (${platforms} images)\n`);
    return;
  }
  const rows = new Rows(ctx.stdout, ctx.now);
  const pushed: Pushed = await pushImage(await ctx.engine(), name, {
    signal: ctx.signal,
    compression,
    force: o.bool('force-compression'),
    onProgress: ({ diffId, state, current, total, from }) => {
      if (o.bool('quiet')) return;
      const text = from === undefined ? PUSH_STATES[state] : `${PUSH_STATES[state]} ${from}`;
      rows.set({ key: diffId.slice(7, 19), state: text, ...(state === 'pushing' && { current, total }) });
    },
  }).finally(() => rows.end());
  if (o.bool('quiet')) return;
  ctx.stdout.write(`${name.tag ?? name.digest}: digest: ${pushed.digest} size: ${pushed.size}\n`);
  const kept = pushed.sent + pushed.mounted + pushed.present;
  ctx.stderr.write(
    `sent ${formatBytes(pushed.sent)} of ${formatBytes(kept)}; ${formatBytes(pushed.present)} were there, ${formatBytes(pushed.mounted)} were taken over\n`,
  );
}

function parseCompression(text: string): Compression {
  const { kind, level } = /^(?<kind>gzip|zstd)(?::(?<level>\d+))?$/.exec(text)?.groups ?? {};
  const most = kind === 'gzip' ? 9 : 22;
  if ((kind !== 'gzip' && kind !== 'zstd') || (level !== undefined && (Number(level) < 1 || Number(level) > most)))
    throw new SlipwayError('invalid-argument', 'cli.compression', `invalid compression: ${text}`, {
      hints: ['gzip, gzip:1 to gzip:9, zstd, or zstd:1 to zstd:22'],
      exitCode: 125,
    });
  return { kind, level: level === undefined ? USUAL_LEVELS[kind] : Number(level) };
}

const HUB = 'docker.io';
/** `https://index.docker.io/v1/`, `docker.io` and nothing are Docker Hub. */
function serverOf(arg: string | undefined): string {
  const host = (arg ?? HUB).replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? HUB : host;
}

export const login: Command = {
  name: 'login',
  summary: 'Sign in to a registry',
  usage: '[OPTIONS] [SERVER]',
  examples: ['echo $TOKEN | slipway login -u me --password-stdin example.azurecr.io', 'slipway login'],
  args: { min: 0, max: 1 },
  options: [
    { name: 'username', short: 'u', type: 'string', placeholder: 'name', help: 'User name' },
    {
      name: 'password',
      short: 'p',
      type: 'string',
      placeholder: 'password',
      help: 'Password, visible to other users; prefer --password-stdin',
    },
    { name: 'password-stdin', type: 'boolean', help: 'Read the password from standard input' },
  ],
  async run(ctx, o, args) {
    const server = serverOf(args[0]);
    const engine = await ctx.engine();
    const given = o.string('password');
    if (given !== undefined && o.bool('password-stdin'))
      throw new SlipwayError('invalid-argument', 'login.flags', '--password and --password-stdin are mutually exclusive');
    if (o.bool('password-stdin') && o.string('username') === undefined)
      throw new SlipwayError('invalid-argument', 'login.flags', 'the --password-stdin option requires --username to be set');
    if (given !== undefined) ctx.stderr.write('WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n');
    let username = o.string('username');
    let password = given ?? (o.bool('password-stdin') ? await line(ctx) : undefined);
    if (username === undefined && password === undefined) {
      const known = await knownCredentials(engine, server);
      if (known !== undefined) {
        ctx.stdout.write('Authenticating with existing credentials...\n');
        const kept = await signIn(engine, server, known, ctx.signal);
        return succeeded(ctx, kept);
      }
    }
    if (username === undefined || password === undefined) {
      if (!ctx.stdin.isTTY)
        throw new SlipwayError(
          'invalid-argument',
          'login.no-terminal',
          'Error: Cannot perform an interactive login from a non TTY device',
          {
            hints: ['give --username, and the password by --password-stdin'],
          },
        );
      username ??= await ask(ctx, 'Username: ', false);
      password ??= await ask(ctx, 'Password: ', true);
    }
    if (username === '' || password === '')
      throw new SlipwayError('invalid-argument', 'login.empty', `${username === '' ? 'Username' : 'Password'} Required`);
    succeeded(ctx, await signIn(engine, server, { username, password }, ctx.signal));
  },
};

function succeeded(ctx: Context, kept: 'helper' | 'file'): void {
  if (kept === 'file')
    ctx.stderr.write(
      'WARNING! Your credentials are stored unencrypted in the configuration file; a credential helper (credsStore) keeps them safer.\n',
    );
  ctx.stdout.write('Login Succeeded\n');
}

export const logout: Command = {
  name: 'logout',
  summary: 'Sign out of a registry',
  usage: '[SERVER]',
  examples: ['slipway logout example.azurecr.io', 'slipway logout'],
  args: { min: 0, max: 1 },
  options: [],
  async run(ctx, _, args) {
    const server = serverOf(args[0]);
    const shown = server === HUB ? 'https://index.docker.io/v1/' : server;
    await signOut(await ctx.engine(), server);
    ctx.stdout.write(`Removing login credentials for ${shown}\n`);
  },
};

/** The whole of standard input without its last line end. */
async function line(ctx: Context): Promise<string> {
  return (await readStream(ctx.stdin, 'stdin')).toString().replace(/\r?\n$/, '');
}

/** Asks on the terminal; what is hidden is not echoed. */
async function ask(ctx: Context, question: string, hidden: boolean): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  ctx.stderr.write(question);
  const lines = createInterface({ input: ctx.stdin, output: hidden ? silent : (ctx.stderr as unknown as Writable), terminal: true });
  try {
    return await lines.question('');
  } finally {
    lines.close();
    if (hidden) ctx.stderr.write('\n');
  }
}
