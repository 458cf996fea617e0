// `registry ls`, `rm` and `referrers`: what is at a registry, without fetching it.
import { deleteRemote, listRemote, referrersOf } from '../../engine/index.ts';
import { parseReference, SlipwayError } from '../../model/index.ts';
import { formatBytes } from '../../util/index.ts';
import type { Command } from '../command.ts';
import { renderRows } from '../format.ts';

export const registryLs: Command = {
  name: 'registry ls',
  summary: 'List the repositories of a registry, or the tags of a repository',
  usage: 'HOST[/REPOSITORY]',
  examples: ['slipway registry ls localhost:5000', 'slipway registry ls localhost:5000/app'],
  args: { min: 1, max: 1 },
  options: [],
  async run(ctx, _, [name = '']) {
    const found = await listRemote(await ctx.engine(), name, ctx.signal);
    ctx.stdout.write(found.map((line) => `${line}\n`).join(''));
  },
};

export const registryRm: Command = {
  name: 'registry rm',
  summary: 'Delete images at a registry',
  usage: 'NAME:TAG|NAME@DIGEST [...]',
  examples: ['slipway registry rm localhost:5000/app:old', 'slipway registry rm localhost:5000/app:1.0 localhost:5000/app:1.1'],
  args: { min: 1 },
  options: [],
  async run(ctx, _, args) {
    const engine = await ctx.engine();
    for (const name of args) {
      const ref = parseReference(name);
      if (ref.tag === undefined && ref.digest === undefined)
        throw new SlipwayError('invalid-argument', 'registry.no-tag', `${name} has neither tag nor digest`, {
          hints: [`${name}:latest, if that is meant`],
        });
      ctx.stdout.write(`Deleted: ${await deleteRemote(engine, ref, ctx.signal)}\n`);
    }
  },
};

export const registryReferrers: Command = {
  name: 'registry referrers',
  summary: 'List signatures, attestations and other referrers of an image',
  usage: '[OPTIONS] NAME',
  examples: [
    'slipway registry referrers localhost:5000/app:1',
    'slipway registry referrers --artifact-type application/spdx+json localhost:5000/app:1',
  ],
  args: { min: 1, max: 1 },
  options: [
    { name: 'artifact-type', type: 'string', placeholder: 'type', help: 'Show only this type' },
    { name: 'format', type: 'string', placeholder: 'template', help: 'table, json, or a Go template' },
  ],
  async run(ctx, o, [name = '']) {
    const found = await referrersOf(await ctx.engine(), parseReference(name), o.string('artifact-type'), ctx.signal);
    const rows = found.map((d) => ({ Digest: d.digest, ArtifactType: d.artifactType ?? d.mediaType, Size: formatBytes(d.size) }));
    const columns = [
      { head: 'DIGEST', field: 'Digest' },
      { head: 'ARTIFACT TYPE', field: 'ArtifactType' },
      { head: 'SIZE', field: 'Size' },
    ] as const;
    ctx.stdout.write(renderRows(rows, columns, o.string('format')));
  },
};
