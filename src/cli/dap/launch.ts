// What an editor asks for in `launch`: a build, in the words of `slipway build`.
import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { type BuildRequest, type Delivery, parseBeginning, partReader } from '../../engine/index.ts';
import { type Session, SlipwayError } from '../../model/index.ts';
import { readRegularFile } from '../../sys/index.ts';
import { parseArgs } from '../args.ts';
import { cachesOf, deliveryOf } from '../build/delivery.ts';
import { readRequest } from '../build/request.ts';
import type { Context } from '../command.ts';

export interface Launch {
  readonly request: BuildRequest;
  readonly session: Session;
  readonly delivery: Delivery;
  readonly stopOnEntry: boolean;
  readonly noDebug: boolean;
  readonly file: DebuggedFile;
}

/** The Dockerfile with what it includes, as far as it can be read. */
export interface DebuggedFile {
  /** The path of a file that messages call so. */
  pathOf(name: string): string;
  /** Where the instruction begins that a line belongs to, or the next one. */
  startOf(path: string, line: number): number | undefined;
  starts(path: string): readonly number[];
}

/** Flags of `build` that ask for something else than a build, or for files of its own result. */
const REFUSED = ['call', 'check', 'plan', 'compare', 'list-context', 'debug', 'test', 'lock', 'metadata-file', 'iidfile', 'builder'];

/** @throws SlipwayError invalid-argument `dap.launch`, and what the flags of `build` are refused for */
export async function readLaunch(ctx: Context, args: DebugProtocol.LaunchRequestArguments): Promise<Launch> {
  const asked = args as DebugProtocol.LaunchRequestArguments & Readonly<Record<string, unknown>>;
  if (!ctx.settings.buildkit) throw wrong('the original engine cannot be gone through step by step', ['leave DOCKER_BUILDKIT=0 out']);
  const named = text(asked, 'dockerfile') ?? text(asked, 'program');
  const context = resolve(ctx.cwd, text(asked, 'contextPath') ?? (named === undefined ? '.' : dirname(named)));
  const dockerfile = named === undefined ? join(context, 'Dockerfile') : resolve(ctx.cwd, named);
  const target = text(asked, 'target');
  const flags = asked['args'] ?? [];
  if (!Array.isArray(flags) || flags.some((flag) => typeof flag !== 'string')) throw wrong('"args" of launch must be a list of texts');
  const { build } = await import('../commands/build.ts');
  const words = [...(flags as string[]), ...(target === undefined ? [] : ['--target', target]), '-f', dockerfile, context];
  const { options: o } = parseArgs('build', build, words);
  const refused = REFUSED.find((name) => o.has(name));
  if (refused !== undefined) throw wrong(`--${refused} cannot be used by a debugger`);
  const { delivery, places } = deliveryOf(ctx, o, cachesOf(ctx, o));
  const { request, session } = await readRequest(ctx, o, context, 'graph', places);
  if ((request.builders ?? []).length > 0) throw wrong('a build elsewhere cannot be gone through step by step');
  return {
    request,
    session,
    delivery,
    stopOnEntry: asked['stopOnEntry'] === true,
    noDebug: asked.noDebug === true,
    file: debuggedFile(context, dockerfile),
  };
}

function text(args: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = args[name];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw wrong(`"${name}" of launch must be a text`);
  if (value === '-') throw wrong(`"${name}" of launch cannot be standard input, by which the editor speaks`);
  return value;
}

/** Editors name files as they were opened, through whatever links. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

function debuggedFile(context: string, dockerfile: string): DebuggedFile {
  const name = basename(dockerfile);
  const pathOf = (file: string): string => realPath(file === name ? dockerfile : join(dirname(dockerfile), file));
  const ranges = new Map<string, { readonly start: number; readonly end: number }[]>();
  try {
    const include = partReader(context, { path: dockerfile, name });
    const { dockerfile: parsed } = parseBeginning(readRegularFile(dockerfile), { name, include });
    for (const { file, range } of parsed.stages.flatMap(({ from, commands }) => [from, ...commands])) {
      const path = pathOf(file.name);
      const list = ranges.get(path) ?? [];
      list.push({ start: range.start.line, end: range.end.line });
      ranges.set(path, list);
    }
  } catch {
    // the build itself says what is wrong
  }
  const of = (path: string): { readonly start: number; readonly end: number }[] => ranges.get(realPath(path)) ?? [];
  return {
    pathOf,
    startOf: (path, line) => of(path).find(({ end }) => line <= end)?.start,
    starts: (path) => of(path).map(({ start }) => start),
  };
}

const wrong = (message: string, hints: readonly string[] = []): SlipwayError =>
  new SlipwayError('invalid-argument', 'dap.launch', message, { hints });
