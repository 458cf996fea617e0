// Commands on lists for several platforms: `manifest` as Docker has it, and `imagetools` as buildx has it.
import { collectImages, DraftLists, inspectRemote, listOf, pushListTo, type RemoteManifest } from '../../engine/index.ts';
import {
  familiarReference,
  formatPlatform,
  formatReference,
  isIndexType,
  parseIndex,
  parseReference,
  type Reference,
  repositoryName,
  SlipwayError,
  withDefaultTag,
} from '../../model/index.ts';
import type { Command, Context, Option, ParsedOptions } from '../command.ts';

const INSECURE: Option = {
  name: 'insecure',
  type: 'boolean',
  help: 'Allow plain HTTP and unverified certificates',
};

/** The registries that need no TLS this time. */
const insecureHosts = (o: ParsedOptions, refs: readonly Reference[]): string[] => (o.bool('insecure') ? refs.map((r) => r.domain) : []);

export const manifestCreate: Command = {
  name: 'manifest create',
  summary: 'Create an image index for several platforms',
  usage: '[OPTIONS] LIST IMAGE [IMAGE...]',
  examples: [
    'slipway manifest create example.com/app:1 example.com/app:1-amd64 example.com/app:1-arm64',
    'slipway manifest create --amend example.com/app:1 example.com/app:1-riscv64',
  ],
  args: { min: 2 },
  options: [{ name: 'amend', short: 'a', type: 'boolean', help: 'Add to an existing index' }, INSECURE],
  async run(ctx, o, [list = '', ...images]) {
    const engine = await ctx.engine();
    const drafts = new DraftLists(engine);
    const ref = parseReference(list);
    const before = drafts.find(ref);
    if (before !== undefined && !o.bool('amend'))
      throw new SlipwayError('already-exists', 'manifest.exists', 'refusing to amend an existing manifest list with no --amend flag');
    const from = images.map(parseReference);
    const added = await collectImages(engine, from, ctx.signal, insecureHosts(o, from));
    drafts.save(ref, [...(before ?? []).filter((b) => !added.some((a) => a.descriptor.digest === b.descriptor.digest)), ...added]);
    ctx.stdout.write(`Created manifest list ${formatReference(withDefaultTag(ref))}\n`);
  },
};

export const manifestAnnotate: Command = {
  name: 'manifest annotate',
  summary: 'Set the platform of an image in an index',
  usage: '[OPTIONS] LIST IMAGE',
  examples: [
    'slipway manifest annotate --arch arm64 --variant v8 example.com/app:1 example.com/app:1-arm64',
    'slipway manifest annotate --os linux --arch riscv64 example.com/app:1 example.com/app:1-riscv64',
  ],
  args: { min: 2, max: 2 },
  options: [
    { name: 'arch', type: 'string', placeholder: 'name', help: 'Architecture' },
    { name: 'os', type: 'string', placeholder: 'name', help: 'Operating system' },
    { name: 'os-features', type: 'list', placeholder: 'feature', help: 'Features of the operating system' },
    { name: 'os-version', type: 'string', placeholder: 'version', help: 'Version of the operating system' },
    { name: 'variant', type: 'string', placeholder: 'name', help: 'Variant of the architecture' },
  ],
  async run(ctx, o, [list = '', image = '']) {
    const [architecture, os, version, variant] = ['arch', 'os', 'os-version', 'variant'].map((name) => o.string(name));
    new DraftLists(await ctx.engine()).annotate(parseReference(list), parseReference(image), {
      ...(architecture !== undefined && { architecture }),
      ...(os !== undefined && { os }),
      ...(o.has('os-features') && { 'os.features': o.list('os-features').flatMap((text) => text.split(',')) }),
      ...(version !== undefined && { 'os.version': version }),
      ...(variant !== undefined && { variant }),
    });
  },
};

export const manifestInspect: Command = {
  name: 'manifest inspect',
  summary: 'Show a local index, or the manifest of a name at its registry',
  usage: '[OPTIONS] [LIST] NAME',
  examples: ['slipway manifest inspect example.com/app:1', 'slipway manifest inspect --verbose example.com/app:1'],
  args: { min: 1, max: 2 },
  options: [INSECURE, { name: 'verbose', short: 'v', type: 'boolean', help: 'Include the descriptor and platform of each image' }],
  async run(ctx, o, args) {
    const engine = await ctx.engine();
    // an image of a list that is being made is at its registry
    const ref = parseReference(args.at(-1) ?? '');
    const draft = args.length > 1 ? undefined : new DraftLists(engine).find(ref);
    const fetch = (name: Reference): Promise<RemoteManifest> => inspectRemote(engine, name, ctx.signal, insecureHosts(o, [ref]));
    const found = draft === undefined ? await fetch(ref) : await listOf(draft);
    const document = (bytes: Buffer): unknown => JSON.parse(bytes.toString('utf8'));
    if (!o.bool('verbose')) return void ctx.stdout.write(`${JSON.stringify(document(found.bytes), null, 3)}\n`);
    const described = (name: string, descriptor: object, manifest: unknown): object => ({
      Ref: name,
      Descriptor: descriptor,
      SchemaV2Manifest: manifest,
    });
    const { mediaType, digest, bytes } = found;
    const whole = formatReference(withDefaultTag(ref));
    if (!isIndexType(mediaType))
      return void ctx.stdout.write(
        `${JSON.stringify(described(whole, { mediaType, digest, size: bytes.length }, document(bytes)), null, 4)}\n`,
      );
    const all: object[] = [];
    for (const d of parseIndex(bytes).manifests) {
      const { tag: _, ...repository } = ref;
      const one = await fetch({ ...repository, digest: d.digest });
      all.push(described(`${whole}@${d.digest}`, d, document(one.bytes)));
    }
    ctx.stdout.write(`${JSON.stringify(all, null, 4)}\n`);
  },
};

export const manifestPush: Command = {
  name: 'manifest push',
  summary: 'Push an image index and the images its repository is missing',
  usage: '[OPTIONS] LIST',
  examples: ['slipway manifest push --purge example.com/app:1', 'slipway manifest push example.com/app:1'],
  args: { min: 1, max: 1 },
  options: [{ name: 'purge', short: 'p', type: 'boolean', help: 'Remove the local index after pushing' }, INSECURE],
  async run(ctx, o, [name = '']) {
    const engine = await ctx.engine();
    const drafts = new DraftLists(engine);
    const ref = parseReference(name);
    const entries = drafts.get(ref);
    const list = await listOf(entries);
    await pushListTo(engine, ref, list, entries, ctx.signal, insecureHosts(o, [ref]));
    if (o.bool('purge')) drafts.remove(ref);
    ctx.stdout.write(`${list.digest}\n`);
  },
};

export const manifestRm: Command = {
  name: 'manifest rm',
  summary: 'Remove local indexes',
  usage: 'LIST [LIST...]',
  examples: ['slipway manifest rm example.com/app:1', 'slipway manifest rm example.com/app:1 example.com/app:2'],
  args: { min: 1 },
  options: [],
  async run(ctx, _, args) {
    const drafts = new DraftLists(await ctx.engine());
    for (const name of args) drafts.remove(parseReference(name));
  },
};

export const imagetoolsInspect: Command = {
  name: 'imagetools inspect',
  summary: 'Show the manifest of a name at its registry',
  usage: '[OPTIONS] NAME',
  examples: ['slipway imagetools inspect debian:12', 'slipway imagetools inspect --raw debian:12'],
  args: { min: 1, max: 1 },
  options: [{ name: 'raw', type: 'boolean', help: 'Print the raw bytes' }],
  async run(ctx, o, [name = '']) {
    const ref = withDefaultTag(parseReference(name));
    const found = await inspectRemote(await ctx.engine(), ref, ctx.signal);
    if (o.bool('raw')) return void ctx.stdout.write(found.bytes);
    ctx.stdout.write(`Name:      ${formatReference(ref)}\nMediaType: ${found.mediaType}\nDigest:    ${found.digest}\n`);
    if (!isIndexType(found.mediaType)) return;
    ctx.stdout.write('           \nManifests: \n');
    for (const d of parseIndex(found.bytes).manifests) {
      ctx.stdout.write(
        `  Name:        ${repositoryName(ref)}${ref.tag === undefined ? '' : `:${ref.tag}`}@${d.digest}\n  MediaType:   ${d.mediaType}\n`,
      );
      if (d.platform !== undefined) ctx.stdout.write(`  Platform:    ${formatPlatform(d.platform)}\n`);
      for (const [key, value] of Object.entries(d.annotations ?? {})) ctx.stdout.write(`  Annotations: ${key}: ${value}\n`);
      ctx.stdout.write('               \n');
    }
  },
};

export const imagetoolsCreate: Command = {
  name: 'imagetools create',
  summary: 'Create an index from images at registries',
  usage: '[OPTIONS] SOURCE [SOURCE...]',
  examples: [
    'slipway imagetools create -t example.com/app:1 example.com/app:1-amd64 example.com/app:1-arm64',
    'slipway imagetools create --dry-run --append -t example.com/app:1 example.com/app:1-riscv64',
  ],
  args: { min: 1 },
  options: [
    { name: 'annotation', type: 'list', placeholder: 'key=value', help: 'Set annotations of the index' },
    { name: 'append', type: 'boolean', help: 'Append to the existing index' },
    { name: 'dry-run', type: 'boolean', help: 'Print the index instead of pushing it' },
    { name: 'tag', short: 't', type: 'list', placeholder: 'name', help: 'Names of the index' },
  ],
  async run(ctx, o, sources) {
    const engine = await ctx.engine();
    const names = o.list('tag').map(parseReference);
    if (names.length === 0 && !o.bool('dry-run'))
      throw new SlipwayError('invalid-argument', 'imagetools.no-tag', "can't push without a tag: give one with --tag, or --dry-run");
    const appended = o.bool('append') ? names.slice(0, 1) : [];
    const entries = await collectImages(engine, [...appended, ...sources.map(parseReference)], ctx.signal);
    const list = await listOf(entries, annotationsOf(o.list('annotation')));
    if (o.bool('dry-run')) return void ctx.stdout.write(`${JSON.stringify(JSON.parse(list.bytes.toString('utf8')), null, 2)}\n`);
    for (const ref of names) {
      await pushListTo(engine, ref, list, entries, ctx.signal);
      say(ctx, `pushed ${list.digest} to ${familiarReference(withDefaultTag(ref))}\n`);
    }
  },
};

function annotationsOf(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const equals = word.indexOf('=');
      if (equals < 1)
        throw new SlipwayError('invalid-argument', 'flag.annotation', `invalid annotation ${word}: expected key=value`, { exitCode: 125 });
      return [word.slice(0, equals).replace(/^index:/, ''), word.slice(equals + 1)];
    }),
  );
}

const say = (ctx: Context, text: string): void => void ctx.stderr.write(text);
