// `copy`: images between registries, layouts and archives, without the store.
import { copyImage, USUAL_LEVELS } from '../../engine/index.ts';
import { parsePlatform } from '../../model/index.ts';
import { formatBytes } from '../../util/index.ts';
import type { Command } from '../command.ts';
import { Rows } from '../progress/rows.ts';

export const copy: Command = {
  name: 'copy',
  summary: 'Copy an image between registries, layouts and archives',
  usage: '[OPTIONS] SOURCE TARGET',
  examples: [
    'slipway copy docker://debian:12 docker://localhost:5000/debian:12',
    'slipway copy --all docker://example.com/app:1 oci:layout:1',
    'slipway copy docker-archive:app.tar docker://example.azurecr.io/app:1',
  ],
  args: { min: 2, max: 2 },
  options: [
    { name: 'all', short: 'a', type: 'boolean', help: 'Copy the index with all platforms' },
    { name: 'platform', type: 'string', placeholder: 'os/arch', help: 'Platform to copy from an index' },
    { name: 'quiet', short: 'q', type: 'boolean', help: 'Print the digest only' },
  ],
  async run(ctx, o, [from = '', to = '']) {
    const rows = new Rows(ctx.stderr, ctx.now);
    const platform = o.string('platform');
    const states = { copying: 'Copying', copied: 'Copied', present: 'Already exists', mounted: 'Taken over' } as const;
    const { manifest, moved } = await copyImage(await ctx.engine(), from, to, {
      signal: ctx.signal,
      all: o.bool('all'),
      ...(platform !== undefined && { platform: parsePlatform(platform) }),
      compression: { kind: 'gzip', level: USUAL_LEVELS.gzip },
      onBlob: (d, state) => {
        if (!o.bool('quiet')) rows.set({ key: d.digest.slice(7, 19), state: `${states[state]} ${formatBytes(d.size)}` });
      },
    }).finally(() => rows.end());
    if (!o.bool('quiet')) ctx.stderr.write(`copied ${formatBytes(moved)}\n`);
    ctx.stdout.write(`${manifest.digest}\n`);
  },
};
