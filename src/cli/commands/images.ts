// Commands on images: images, history, tag, rmi.
import { historyOf } from '../../docker/index.ts';
import type { ImageSummary } from '../../engine/index.ts';
import {
  familiarName,
  familiarReference,
  isSlipwayError,
  parseReference,
  type Reference,
  shortDigest,
  SlipwayError,
} from '../../model/index.ts';
import { formatBytes, humanDuration } from '../../util/index.ts';
import type { Command, Context, ParsedOptions } from '../command.ts';
import { checkPlatform, PLATFORM, wantedPlatform } from '../image-platform.ts';
import { parseFilters, renderRows, truthsOf } from '../format.ts';
import { goTime } from '../go-time.ts';
import { table } from '../table.ts';
import { untilOf } from '../until.ts';
import { listFormat } from '../user-config.ts';

/** What `images` does not look at, as Docker's does not. */
const UNKNOWN = 'N/A';

const RAW = [
  ['repository', 'Repository'],
  ['tag', 'Tag'],
  ['image_id', 'ID'],
  ['created_at', 'CreatedAt'],
  ['virtual_size', 'Size'],
] as const;

const LIST_FILTERS = new Set(['reference', 'dangling', 'label', 'before', 'since', 'until']);

export const images: Command = {
  name: 'images',
  summary: 'List images',
  usage: '[OPTIONS] [REPOSITORY[:TAG]]',
  examples: ['slipway images', "slipway image ls -f reference='lab/*'", 'slipway images -q -f dangling=true'],
  args: { min: 0, max: 1 },
  options: [
    { name: 'all', short: 'a', type: 'boolean', help: 'Show intermediate images too' },
    { name: 'digests', type: 'boolean', help: 'Show digests' },
    {
      name: 'filter',
      short: 'f',
      type: 'list',
      placeholder: 'key=value',
      help: 'reference=…, dangling=true|false, label=…, before=IMAGE, since=IMAGE, until=24h',
    },
    { name: 'format', type: 'string', placeholder: 'template', help: 'table, json, or a Go template' },
    { name: 'no-trunc', type: 'boolean', help: 'Do not truncate IDs' },
    { name: 'quiet', short: 'q', type: 'boolean', help: 'Show IDs only' },
    { name: 'tree', type: 'boolean', help: 'Show the names of each image as a tree, and which are in use' },
  ],
  async run(ctx, o, args) {
    const filters = parseFilters(o.list('filter'), LIST_FILTERS);
    const dangling = truthsOf(filters, 'dangling')?.at(-1);
    const tree = o.bool('tree');
    if (tree) refuseWithTree(o);
    const engine = await ctx.engine();
    const before = filters.get('before')?.at(-1);
    const since = filters.get('since')?.at(-1);
    const found = engine.images.list({
      all: o.bool('all'),
      references: [...(filters.get('reference') ?? []), ...args],
      ...(dangling !== undefined && { dangling }),
      ...untilOf(ctx, filters.get('until')?.at(-1)),
      labels: filters.get('label') ?? [],
      ...(before !== undefined && { before }),
      ...(since !== undefined && { since }),
    });
    const whole = o.bool('no-trunc');
    if (tree) return void ctx.stdout.write(imageTree(found, new Set((await engine.containers()).records.all().map((c) => c.imageId))));
    if (o.bool('quiet') && !o.has('format')) {
      ctx.stdout.write(found.flatMap((i) => Array(Math.max(i.names.length, 1)).fill(`${whole ? i.id : shortDigest(i.id)}\n`)).join(''));
      return;
    }
    const format = listFormat(ctx, 'imagesFormat', o);
    const used = Map.groupBy((await engine.containers()).records.all(), (c) => c.imageId);
    const rows = found.flatMap((i) =>
      rowsOf(i, ctx, {
        containers: used.get(i.id)?.length ?? 0,
        whole,
        digests: o.bool('digests'),
        perDigest: o.bool('digests') || format?.includes('{{.Digest}}') === true,
      }),
    );
    const columns = [
      { head: 'REPOSITORY', field: 'Repository' },
      { head: 'TAG', field: 'Tag' },
      ...(o.bool('digests') ? [{ head: 'DIGEST', field: 'Digest' }] : []),
      { head: 'IMAGE ID', field: 'ID' },
      { head: 'CREATED', field: 'CreatedSince' },
      { head: 'SIZE', field: 'Size' },
    ];
    ctx.stdout.write(renderRows(rows, columns, format, RAW, { type: '*formatter.imageContext' }));
  },
};

function refuseWithTree(o: ParsedOptions): void {
  const other = ['quiet', 'no-trunc', 'digests', 'format'].find((name) => o.has(name));
  if (other !== undefined) throw new SlipwayError('invalid-argument', 'cli.tree', `--${other} is not yet supported with --tree`);
}

/** Each image with its names; `U` marks those that containers are of. */
function imageTree(found: readonly ImageSummary[], used: ReadonlySet<string>): string {
  const rows = found.map((i) => [
    i.names.length === 0 ? '<untagged>' : i.names.map((n) => familiarReference(parseReference(n))).join('\n'),
    shortDigest(i.id),
    formatBytes(i.size, 3),
    used.has(i.id) ? 'U' : '',
  ]);
  const lines = rows.flatMap(([names = '', ...rest]) => {
    const [first = '', ...more] = names.split('\n');
    return [[first, ...rest], ...more.map((name) => [name])];
  });
  return `U = in use\n\n${table([['IMAGE', 'ID', 'DISK USAGE', 'EXTRA'], ...lines])}`;
}

const NONE = '<none>';

/** What `rowsOf` makes rows of besides names. */
interface RowOptions {
  readonly containers: number;
  readonly whole: boolean;
  /** A row for each digest of a repository that has no tag here. */
  readonly digests: boolean;
  /** A row for each tag with each digest of its repository; else digests are not looked at, as Docker's lists do not. */
  readonly perDigest: boolean;
}

function rowsOf(i: ImageSummary, ctx: Context, o: RowOptions): Record<string, string>[] {
  const common = {
    ID: o.whole ? i.id : shortDigest(i.id),
    CreatedSince: i.createdAt === 0 ? UNKNOWN : `${humanDuration(ctx.now() - i.createdAt)} ago`,
    CreatedAt: i.createdAt === 0 ? UNKNOWN : goTime(i.createdAt),
    Size: formatBytes(i.size, 3),
    VirtualSize: formatBytes(i.size),
    Containers: String(o.containers),
    SharedSize: UNKNOWN,
    UniqueSize: UNKNOWN,
  };
  const digests = Map.groupBy(i.digests.map(parseReference), familiarName);
  const tags = i.names.map(parseReference);
  const tagged = new Set(tags.map(familiarName));
  const row = (Repository: string, Tag: string, Digest = NONE): Record<string, string> => ({ Repository, Tag, Digest, ...common });
  const rows = [
    ...tags.flatMap((reference) => {
      const name = familiarName(reference);
      const known = o.perDigest ? (digests.get(name) ?? []) : [];
      return (known.length === 0 ? [undefined] : known).map((d) => row(name, reference.tag ?? NONE, d?.digest));
    }),
    ...[...digests]
      .filter(([name]) => !tagged.has(name))
      .flatMap(([name, known]) => (o.digests ? known : known.slice(0, 1)).map((d) => row(name, NONE, o.digests ? d.digest : NONE))),
  ];
  return rows.length === 0 ? [row(NONE, NONE)] : rows;
}

export const history: Command = {
  name: 'history',
  summary: 'Show the history of an image',
  usage: '[OPTIONS] IMAGE',
  examples: ['slipway history golang:1.19-bookworm', 'slipway history --no-trunc app'],
  args: { min: 1, max: 1 },
  options: [
    { name: 'format', type: 'string', placeholder: 'template', help: 'table, json, or a Go template' },
    { name: 'human', short: 'H', type: 'boolean', help: 'Print sizes and times in human-readable form (default)' },
    { name: 'no-trunc', type: 'boolean', help: 'Do not truncate commands' },
    PLATFORM,
    { name: 'quiet', short: 'q', type: 'boolean', help: 'Show IDs only' },
  ],
  async run(ctx, o, args) {
    const wanted = wantedPlatform(o);
    const engine = await ctx.engine();
    checkPlatform(engine, args[0] ?? '', wanted);
    const image = engine.images.resolve(args[0] ?? '');
    const whole = o.bool('no-trunc');
    const human = !o.has('human') || o.bool('human');
    const cut = (s: string): string => (whole || s.length <= 45 ? s : `${s.slice(0, 44)}…`);
    const rows = historyOf(engine, image).map(({ id, entry: h, size }) => {
      const created = Date.parse(h.created ?? '');
      return {
        ID: whole || id === '<missing>' ? id : id.slice(7, 19),
        CreatedSince: Number.isNaN(created) ? 'N/A' : human ? `${humanDuration(ctx.now() - created)} ago` : (h.created ?? ''),
        CreatedAt: h.created ?? '',
        CreatedBy: cut((h.created_by ?? '').replaceAll('\t', ' ')),
        Size: human ? formatBytes(size, 3) : String(size),
        Comment: h.comment ?? '',
      };
    });
    if (o.bool('quiet') && !o.has('format')) return void ctx.stdout.write(rows.map((r) => `${r.ID}\n`).join(''));
    const columns = [
      { head: 'IMAGE', field: 'ID' },
      { head: human ? 'CREATED' : 'CREATED AT', field: 'CreatedSince' },
      { head: 'CREATED BY', field: 'CreatedBy' },
      { head: 'SIZE', field: 'Size' },
      { head: 'COMMENT', field: 'Comment' },
    ] as const;
    ctx.stdout.write(renderRows(rows, columns, o.string('format')));
  },
};

export const tag: Command = {
  name: 'tag',
  summary: 'Create another name for an image',
  usage: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
  examples: ['slipway tag app registry.example.com/app:1.0', 'slipway tag app:1.0 app:latest'],
  args: { min: 2, max: 2 },
  options: [],
  async run(ctx, _o, args) {
    const { images: store } = await ctx.engine();
    if (targetOf(args[1] ?? '').digest !== undefined)
      throw new SlipwayError('invalid-argument', 'cli.tag', 'refusing to create a tag with a digest reference');
    store.tag(store.resolve(args[0] ?? '').id, args[1] ?? '');
  },
};

function targetOf(name: string): Reference {
  try {
    return parseReference(name);
  } catch (e) {
    if (!isSlipwayError(e)) throw e;
    throw e.withContext({ message: `Error parsing reference: ${JSON.stringify(name)} is not a valid repository/tag: ${e.message}` });
  }
}

export const rmi: Command = {
  name: 'rmi',
  summary: 'Remove images',
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  examples: ['slipway rmi app', 'slipway rmi -f $(slipway images -q -f dangling=true)'],
  args: { min: 1 },
  options: [
    { name: 'force', short: 'f', type: 'boolean', help: 'Remove images that are used or have several names; ignore missing ones' },
    { name: 'no-prune', type: 'boolean', help: 'Keep untagged parents' },
    PLATFORM,
  ],
  async run(ctx, o, args) {
    const wanted = wantedPlatform(o);
    const engine = await ctx.engine();
    const force = o.bool('force');
    let failed = 0;
    for (const ref of args) {
      try {
        checkPlatform(engine, ref, wanted);
        for (const r of engine.images.remove(ref, { force, prune: !o.bool('no-prune') })) {
          ctx.stdout.write(r.kind === 'untagged' ? `Untagged: ${r.name}\n` : `Deleted: ${r.id}\n`);
        }
      } catch (e) {
        if (!(e instanceof SlipwayError) || (e.code === 'image.not-found' && force)) {
          if (e instanceof SlipwayError) {
            ctx.stderr.write(`error: ${e.message}\n`);
            continue;
          }
          throw e;
        }
        failed++;
        ctx.stderr.write(`error: ${e.message}\n`);
      }
    }
    engine.collector().collect();
    return failed > 0 ? 1 : 0;
  },
};
