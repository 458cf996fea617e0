// Commands on lists for several platforms: `manifest` as Docker has it, and `imagetools` as buildx has it.
import { collectImages, DraftLists, inspectRemote, listOf, pushListTo } from '../../engine/index.ts';
import {
  familiarReference,
  formatPlatform,
  formatReference,
  isIndexType,
  parseIndex,
  parseReference,
  repositoryName,
  SlipwayError,
  withDefaultTag,
} from '../../model/index.ts';
import type { Command, Context } from '../command.ts';

export const manifestCreate: Command = {
  name: 'manifest create',
  summary: 'Put a list for several platforms together',
  usage: '[OPTIONS] LIST IMAGE [IMAGE...]',
  examples: ['slipway manifest create example.com/app:1 example.com/app:1-amd64 example.com/app:1-arm64'],
  args: { min: 2 },
  options: [{ name: 'amend', short: 'a', type: 'boolean', help: 'Add to a list that is there' }],
  async run(ctx, o, [list = '', ...images]) {
    const engine = await ctx.engine();
    const drafts = new DraftLists(engine);
    const ref = parseReference(list);
    const before = drafts.find(ref);
    if (before !== undefined && !o.bool('amend'))
      throw new SlipwayError('already-exists', 'manifest.exists', 'refusing to amend an existing manifest list with no --amend flag');
    const added = await collectImages(engine, images.map(parseReference), ctx.signal);
    drafts.save(ref, [...(before ?? []).filter((b) => !added.some((a) => a.descriptor.digest === b.descriptor.digest)), ...added]);
    ctx.stdout.write(`Created manifest list ${formatReference(withDefaultTag(ref))}\n`);
  },
};

export const manifestAnnotate: Command = {
  name: 'manifest annotate',
  summary: 'Say what an image of a list runs on',
  usage: '[OPTIONS] LIST IMAGE',
  examples: ['slipway manifest annotate --arch arm64 --variant v8 example.com/app:1 example.com/app:1-arm64'],
  args: { min: 2, max: 2 },
  options: [
    { name: 'arch', type: 'string', placeholder: 'name', help: 'Architecture' },
    { name: 'os', type: 'string', placeholder: 'name', help: 'Operating system' },
    { name: 'os-version', type: 'string', placeholder: 'version', help: 'Version of the operating system' },
    { name: 'variant', type: 'string', placeholder: 'name', help: 'Variant of the architecture' },
  ],
  async run(ctx, o, [list = '', image = '']) {
    const [architecture, os, version, variant] = ['arch', 'os', 'os-version', 'variant'].map((name) => o.string(name));
    new DraftLists(await ctx.engine()).annotate(parseReference(list), parseReference(image), {
      ...(architecture !== undefined && { architecture }),
      ...(os !== undefined && { os }),
      ...(version !== undefined && { 'os.version': version }),
      ...(variant !== undefined && { variant }),
    });
  },
};

export const manifestInspect: Command = {
  name: 'manifest inspect',
  summary: 'Show a list that is being made, or what a name stands for at its registry',
  usage: 'NAME',
  examples: ['slipway manifest inspect example.com/app:1'],
  args: { min: 1, max: 1 },
  options: [],
  async run(ctx, _, [name = '']) {
    const engine = await ctx.engine();
    const draft = new DraftLists(engine).find(parseReference(name));
    const { bytes } = draft === undefined ? await inspectRemote(engine, parseReference(name), ctx.signal) : await listOf(draft);
    ctx.stdout.write(`${JSON.stringify(JSON.parse(bytes.toString('utf8')), null, 3)}\n`);
  },
};

export const manifestPush: Command = {
  name: 'manifest push',
  summary: 'Push a list, with what its repository has not yet',
  usage: '[OPTIONS] LIST',
  examples: ['slipway manifest push --purge example.com/app:1'],
  args: { min: 1, max: 1 },
  options: [{ name: 'purge', short: 'p', type: 'boolean', help: 'Forget the list here when it was pushed' }],
  async run(ctx, o, [name = '']) {
    const engine = await ctx.engine();
    const drafts = new DraftLists(engine);
    const ref = parseReference(name);
    const entries = drafts.get(ref);
    const list = await listOf(entries);
    await pushListTo(engine, ref, list, entries, ctx.signal);
    if (o.bool('purge')) drafts.remove(ref);
    ctx.stdout.write(`${list.digest}\n`);
  },
};

export const manifestRm: Command = {
  name: 'manifest rm',
  summary: 'Forget lists that are being made',
  usage: 'LIST [LIST...]',
  examples: ['slipway manifest rm example.com/app:1'],
  args: { min: 1 },
  options: [],
  async run(ctx, _, args) {
    const drafts = new DraftLists(await ctx.engine());
    for (const name of args) drafts.remove(parseReference(name));
  },
};

export const imagetoolsInspect: Command = {
  name: 'imagetools inspect',
  summary: 'Show what a name stands for at its registry',
  usage: '[OPTIONS] NAME',
  examples: ['slipway imagetools inspect debian:12', 'slipway imagetools inspect --raw debian:12'],
  args: { min: 1, max: 1 },
  options: [{ name: 'raw', type: 'boolean', help: 'Print the very bytes' }],
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
  summary: 'Make a list of images that are at registries already',
  usage: '[OPTIONS] SOURCE [SOURCE...]',
  examples: ['slipway imagetools create -t example.com/app:1 example.com/app:1-amd64 example.com/app:1-arm64'],
  args: { min: 1 },
  options: [
    { name: 'annotation', type: 'list', placeholder: 'key=value', help: 'Set annotations of the list' },
    { name: 'append', type: 'boolean', help: 'Add to what the name stands for already' },
    { name: 'dry-run', type: 'boolean', help: 'Print the list and push nothing' },
    { name: 'tag', short: 't', type: 'list', placeholder: 'name', help: 'Names of the list' },
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
