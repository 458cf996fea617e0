// `build`: flags to a request, events to a screen, the result to files and standard output.
import { resolve } from 'node:path';
import type { BuildEvent, Delivered } from '../../engine/index.ts';
import { isSlipwayError, type SlipwayError } from '../../model/index.ts';
import { answerCall, parseCall } from '../build/call.ts';
import { compare } from '../build/compare.ts';
import { refuseContentTrust } from '../content-trust.ts';
import { BUILD_OPTIONS, legacyWarnings, refuseGraphFlags } from '../build/options.ts';
import { contextFormat } from '../build/context-list.ts';
import { lockPath } from '../build/lock-path.ts';
import { openPictures } from '../build/pictures.ts';
import { planFormat } from '../build/plan.ts';
import { debugShell, readRequest } from '../build/request.ts';
import { cachesOf, deliveryOf, differenceText } from '../build/delivery.ts';
import { performBuild } from '../build/perform.ts';
import { runStageTests, testMode } from '../build/stage-tests.ts';
import type { Command, Context, ParsedOptions } from '../command.ts';
import { writeOutput } from '../../sys/index.ts';
import { firstError, printable, withCleanup } from '../../util/index.ts';
import { renderExcerpt } from '../excerpt.ts';
import { type BuildDisplay, openDisplay } from '../progress/index.ts';

export const build: Command = {
  name: 'build',
  summary: 'Build an image from a Dockerfile',
  usage: '[OPTIONS] PATH | -',
  examples: ['slipway build -t app .', 'slipway build --target test --progress plain .', 'DOCKER_BUILDKIT=0 slipway build -t app .'],
  args: { min: 1, max: 1 },
  options: BUILD_OPTIONS,
  run,
};

async function run(ctx: Context, o: ParsedOptions, args: string[]): Promise<number> {
  using pictures = await openPictures(ctx, o);
  return await withCleanup(
    () => runBuild(ctx, o, args, pictures?.ref),
    () => pictures?.end(),
  );
}

/** @param ref what the build is called; it is given a name when left out */
async function runBuild(ctx: Context, o: ParsedOptions, args: string[], ref: string | undefined): Promise<number> {
  const which = ctx.settings.buildkit ? 'graph' : 'classic';
  if (which === 'classic') refuseGraphFlags(o);
  refuseContentTrust(o);
  for (const warning of legacyWarnings(o, which)) ctx.stderr.write(`${warning}\n`);
  const progress = o.bool('quiet') ? 'quiet' : (o.string('progress') ?? ctx.settings.progress ?? 'auto');
  const call = parseCall(o.string('call'), o.bool('check'), o.string('format'));
  const tests = testMode(o);
  let display: BuildDisplay | undefined;
  const screen = (): BuildDisplay => (display ??= openDisplay(progress, ctx, which, o.bool('explain')));
  // tests have one of their own, which comes before
  if (tests === undefined) screen();
  let ended = false;
  // a screen hides the cursor and has a timer: whichever way this ends, it gives both back, once
  const end = (failed: boolean): void => {
    if (!ended) display?.end(failed);
    ended = true;
  };
  const work = async (): Promise<number> => {
    const caches = which === 'graph' ? cachesOf(ctx, o) : undefined;
    const { delivery, places } = deliveryOf(ctx, o, caches);
    const { request: read, session } = await readRequest(ctx, o, args[0] ?? '.', which, places);
    const request = { ...read, ...(ref !== undefined && { ref }) };
    const debug = (step: string, shell: readonly string[]): void => {
      screen().pause();
      ctx.stderr.write(`\n${step} failed: ${shell.join(' ')} in what it left; exit ends the build\n`);
    };
    const caller = {
      session,
      signal: ctx.signal,
      onEvent: (e: BuildEvent) => screen().event(e),
      ...(o.bool('debug') && { debug: debugShell(ctx, debug) }),
    };
    if (call.method !== 'build') {
      end(false);
      const answer = await answerCall(call, ctx, request, caller);
      ctx.stdout.write(answer.stdout);
      ctx.stderr.write(answer.stderr);
      return answer.exitCode;
    }
    if (o.bool('compare')) {
      end(false);
      await compare(ctx, o, request, caller, progress);
      return 0;
    }
    const listed = o.string('list-context');
    if (listed !== undefined && listed !== 'false') {
      end(false);
      const print = contextFormat(listed);
      const { stdout, stderr } = print(await performBuild(ctx, { kind: 'list-context', request }, caller));
      ctx.stdout.write(stdout);
      ctx.stderr.write(stderr);
      return 0;
    }
    const plan = o.string('plan');
    if (plan !== undefined && plan !== 'false') {
      end(false);
      const format = planFormat(plan, ctx.stdout.isTTY);
      const terminal = { columns: ctx.stdout.columns ?? 80, color: ctx.settings.color && ctx.stdout.isTTY };
      ctx.stdout.write(format(await performBuild(ctx, { kind: 'plan', request, ...(caches && { caches }) }, caller), terminal));
      return 0;
    }
    if (tests !== undefined) {
      if (!(await runStageTests(ctx, o, request, caller, { progress, caches }))) {
        end(true);
        return 1;
      }
      if (tests === 'only') {
        end(false);
        return 0;
      }
    }
    const lock = request.lock === 'write' ? lockPath(ctx, o, args[0] ?? '.') : undefined;
    const metadata = o.string('metadata-file');
    const statement = metadata === undefined ? undefined : statementOf(ctx);
    const delivered = await performBuild(ctx, { kind: 'build', request, delivery, ...(statement && { statement }) }, caller);
    const { imageId, difference } = delivered;
    end(false);
    const id = delivered.descriptor?.digest ?? imageId;
    // files alone have no ID
    const asImage = delivery.outputs.length === 0 || delivery.outputs.some(({ kind }) => !['local', 'tar', 'cacheonly'].includes(kind));
    if (progress === 'quiet') ctx.stdout.write(`${asImage ? id : ''}\n`);
    const iidfile = o.string('iidfile');
    if (iidfile !== undefined) await writeOutput(resolve(ctx.cwd, iidfile), id, ctx.signal);
    if (metadata !== undefined)
      await writeOutput(resolve(ctx.cwd, metadata), `${JSON.stringify(metadataOf(delivered, request.tags), null, 2)}\n`, ctx.signal);
    if (lock !== undefined && delivered.lock !== undefined) await writeOutput(lock, delivered.lock, ctx.signal);
    if (difference === undefined) return 0;
    ctx.stdout.write(differenceText(difference, imageId));
    return difference.same ? 0 : 1;
  };
  try {
    return await withCleanup(work, () => end(true));
  } catch (error) {
    const e = firstError(error);
    if (!isSlipwayError(e) || e.kind === 'cancelled' || e.code === 'cli.no-builder') throw e;
    return report(ctx, e, which);
  }
}

/** How much of the provenance the file of `--metadata-file` has. */
function statementOf({ env }: Context): 'min' | 'max' | undefined {
  const wish = env['BUILDX_METADATA_PROVENANCE'] ?? 'min';
  return wish === 'max' ? 'max' : ['false', '0', 'disabled'].includes(wish) ? undefined : 'min';
}

/** As buildx writes it. */
function metadataOf({ provenance = {}, ...d }: Delivered, tags: readonly string[]): Record<string, unknown> {
  return {
    ...Object.fromEntries(Object.entries(provenance).map(([platform, statement]) => [`buildx.build.provenance${platform}`, statement])),
    'buildx.build.ref': d.ref,
    'containerimage.config.digest': d.imageId,
    ...(d.descriptor !== undefined && { 'containerimage.descriptor': d.descriptor }),
    'containerimage.digest': d.descriptor?.digest ?? d.imageId,
    ...(tags.length > 0 && { 'image.name': tags.join(',') }),
  };
}

/** A failed build in the words and the form that Docker's users know, and what to do about it. */
function report(ctx: Context, e: SlipwayError, which: 'graph' | 'classic'): number {
  const excerpt = e.source ? renderExcerpt(e.source) : '';
  const head = which === 'graph' ? 'ERROR: failed to build: failed to solve: ' : '';
  const hints = e.hints.length > 0 ? `\n${e.hints.map((h) => `hint: ${h}\n`).join('')}` : '';
  ctx.stderr.write(printable(which === 'graph' ? `${excerpt}${head}${e.message}\n${hints}` : `${e.message}\n${excerpt}${hints}`));
  return which === 'classic' ? (e.exitCode ?? 1) : 1;
}
