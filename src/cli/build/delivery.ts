// From the flags of `build` to what becomes of a build: outputs, platforms, caches, statements.
import { resolve } from 'node:path';
import {
  type Annotation,
  type Caches,
  type Delivery,
  type ImageDifference,
  type Output,
  type ProvenanceWish,
  parseCacheExport,
  parseCacheImport,
  parseOutput,
} from '../../engine/index.ts';
import { hostPlatform, parsePlatform, SlipwayError } from '../../model/index.ts';
import type { Context, ParsedOptions } from '../command.ts';
import { buildArgs, cachePlace, fields, isTrue, output } from './values.ts';

/** What becomes of the build, and where results go, by the names that it has for them. */
export function deliveryOf(
  ctx: Context,
  o: ParsedOptions,
  caches: Caches | undefined,
): { readonly delivery: Delivery; readonly places: ReadonlyMap<string, string | number> } {
  const outputs: Output[] = o.list('output').map((text) => parseOutput(output(text), ctx.cwd, ctx.stdout.isTTY));
  if (o.bool('push')) outputs.push(parseOutput({ type: 'registry', attributes: {} }, ctx.cwd, false));
  if (o.bool('load')) outputs.push(parseOutput({ type: 'image', attributes: {} }, ctx.cwd, false));
  const platforms = platformsOf(ctx, o);
  const attest = attestOf(o);
  const asList = isAsked(ctx, o, 'BUILDKIT_MULTI_PLATFORM');
  const places = new Map<string, string | number>();
  const named = outputs.map((out, i): Output<string> => {
    if (!('dest' in out)) return out;
    places.set(`output-${i}`, out.dest);
    return { ...out, dest: `output-${i}` };
  });
  const delivery: Delivery = {
    outputs: named,
    platforms: platforms.length > 1 || asList ? (platforms.length === 0 ? [hostPlatform()] : platforms.map(parsePlatform)) : [],
    ...(caches && { caches }),
    annotations: o.list('annotation').flatMap(annotation),
    sbom: attest.sbom,
    ...(attest.provenance && { provenance: attest.provenance }),
    verify: o.bool('verify'),
  };
  return { delivery, places };
}

/** Of `--platform`, or DOCKER_DEFAULT_PLATFORM: none is this machine's. */
export function platformsOf(ctx: Context, o: ParsedOptions): string[] {
  const given = o.list('platform').length > 0 ? o.list('platform') : [ctx.env['DOCKER_DEFAULT_PLATFORM'] ?? ''];
  return [
    ...new Set(
      given
        .flatMap((text) => text.split(','))
        .map((p) => p.trim())
        .filter((p) => p !== ''),
    ),
  ];
}

export function cachesOf(ctx: Context, o: ParsedOptions): Caches {
  const absolute = (path: string): string => resolve(ctx.cwd, path);
  const read = (flag: 'cache-from' | 'cache-to') => o.list(flag).map((text) => cachePlace(flag, text));
  const to = read('cache-to').map(({ type, attributes }) => parseCacheExport(type, attributes, absolute));
  if (isAsked(ctx, o, 'BUILDKIT_INLINE_CACHE') && !to.some(({ type }) => type === 'inline')) to.push({ type: 'inline' });
  return { from: read('cache-from').map(({ type, attributes }) => parseCacheImport(type, attributes, absolute)), to };
}

/** A build argument that asks for something of the engine itself. */
const isAsked = (ctx: Context, o: ParsedOptions, name: string): boolean => isTrue(buildArgs(o.list('build-arg'), ctx.env)[name]);

const invalid = (flag: string, message: string, hint: string): SlipwayError =>
  new SlipwayError('invalid-argument', `flag.${flag}`, message, { hints: [hint] });

/** `--sbom`, `--provenance`, and `--attest type=…`, which is both. */
function attestOf(o: ParsedOptions): { sbom: boolean; provenance?: ProvenanceWish } {
  let sbom = false;
  let provenance: ProvenanceWish | undefined;
  const of = (type: string, value: string): string => (isBool(value) ? `type=${type},disabled=${!isTrue(value)}` : `type=${type},${value}`);
  const requests = [
    ...o.list('attest'),
    ...o.list('sbom').map((value) => of('sbom', value)),
    ...o.list('provenance').map((value) => of('provenance', value)),
  ];
  for (const text of requests) {
    const { type, disabled, ...rest } = Object.fromEntries(fields(text).map((f) => [f.split('=')[0] ?? '', f.slice(f.indexOf('=') + 1)]));
    const on = !isTrue(disabled);
    if (type === 'sbom') {
      const { generator, ...others } = rest;
      if (on && generator !== undefined)
        throw new SlipwayError('unsupported', 'flag.sbom', `no scanner is run for an SBOM: generator=${generator}`, {
          hints: ['slipway lists the packages itself: --sbom=true'],
        });
      refuse('sbom', others, 'it has generator');
      sbom = on;
    } else if (type === 'provenance') {
      // asked for without a mode it is the full one by --attest, and the short one by --provenance=true
      const {
        mode = text === 'type=provenance,disabled=false' ? 'min' : 'max',
        version = 'v0.2',
        'builder-id': builderId,
        ...others
      } = rest;
      if (mode !== 'min' && mode !== 'max')
        throw invalid('provenance', `invalid mode ${JSON.stringify(mode)} of provenance`, '--provenance=mode=min or mode=max');
      if (version !== 'v0.2' && version !== 'v1')
        throw invalid('provenance', `invalid version ${JSON.stringify(version)} of provenance`, 'v0.2 and v1 are');
      refuse('provenance', others, 'it has mode, version and builder-id');
      provenance = on ? { mode, version, ...(builderId !== undefined && { builderId }) } : undefined;
    } else throw invalid('attest', `unsupported type of attestation: ${type ?? text}`, 'type=sbom and type=provenance are');
  }
  return { sbom, ...(provenance && { provenance }) };
}

const isBool = (text: string): boolean => /^(?:1|t|T|true|TRUE|True|0|f|F|false|FALSE|False)$/.test(text);

function refuse(flag: string, others: object, hint: string): void {
  const [strange] = Object.keys(others);
  if (strange !== undefined) throw invalid(flag, `${flag} has no attribute ${strange}`, hint);
}

const TYPES = ['manifest', 'index', 'manifest-descriptor', 'index-descriptor'] as const;

/** `[type[,type][platform]:]key=value`, as buildx has it. */
function annotation(text: string): Annotation[] {
  const eq = text.indexOf('=');
  if (eq < 1)
    throw invalid(
      'annotation',
      `invalid annotation ${JSON.stringify(text)}: expected key=value`,
      '--annotation org.opencontainers.image.title=app',
    );
  const [, types, key = ''] = /^(?:([a-z-]+(?:\[[^\]]*\])?(?:,[a-z-]+(?:\[[^\]]*\])?)*):)?(.+)$/.exec(text.slice(0, eq)) ?? [];
  return (types ?? 'manifest').split(',').map((t): Annotation => {
    const [, name = '', platform] = /^([a-z-]+)(?:\[([^\]]*)\])?$/.exec(t) ?? [];
    const on = TYPES.find((type) => type === name);
    if (on === undefined) throw invalid('annotation', `unknown annotation type ${JSON.stringify(name)}`, `types are ${TYPES.join(', ')}`);
    if (on === 'index-descriptor')
      throw invalid('annotation', 'no descriptor of a list is written', 'index, manifest and manifest-descriptor are possible');
    return { on, key, value: text.slice(eq + 1), ...(platform !== undefined && { platform }) };
  });
}

/** What `--verify` found. */
export function differenceText(d: ImageDifference, id: string): string {
  if (d.same) return `Verified: both builds gave ${id}\n`;
  const lines = ['The second build gave something else:'];
  for (const { step, files } of d.layers) {
    lines.push(`  ${step}`, ...files.slice(0, SHOWN).map((f) => `    ${f}`));
    if (files.length > SHOWN) lines.push(`    and ${files.length - SHOWN} more`);
  }
  if (d.config.length > 0) lines.push(`  the configuration: ${d.config.join(', ')}`);
  const onlyTimes = d.layers.every((l) => l.files.every((f) => f.endsWith(': time')));
  if (onlyTimes) lines.push('', 'hint: only times are different: --reproducible gives them all one');
  return `${lines.join('\n')}\n`;
}

/** Files that are named of each layer. */
const SHOWN = 200;
