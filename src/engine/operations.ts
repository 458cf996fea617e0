// The use cases of building, as data in and data out. An adapter names one, gives a session for what only its user has, and shows the
// events; the same data go to a worker process.
import type { ContextList, Plan, StageTest } from '../builder/index.ts';
import type { Diagnostic, RuleName } from '../dockerfile/index.ts';
import { type Platform, type SourceExcerpt, SlipwayError } from '../model/index.ts';
import type { Caches } from './build.ts';
import type { BuiltFiles, FilesWish, NamedImage } from './built-files.ts';
import type { EngineRun } from './compare-engines.ts';
import type { Delivered } from './deliver.ts';
import type { Delivery } from './delivery.ts';
import type { Engine } from './engine.ts';
import type { LockReport, LockRequest } from './lock-operations.ts';
import { type BuildRequest, type Caller, withJob } from './job.ts';
import {
  isStoreOperation,
  performOnStore,
  type StoreCaller,
  type StoreOperation,
  type StoreOperationKind,
  type StoreOperations,
} from './store-operations.ts';
import { outlineOf, type TargetOutline, type Targets, targetsOf } from './targets.ts';

export interface BuildOperations {
  readonly build: {
    readonly input: {
      readonly delivery: Delivery;
      /** How much of the provenance is wanted in the reply. */ readonly statement?: 'min' | 'max';
    };
    readonly reply: Delivered;
  };
  readonly plan: { readonly input: { readonly caches?: Caches }; readonly reply: Plan };
  readonly test: { readonly input: { readonly caches?: Caches }; readonly reply: readonly StageTest[] };
  readonly 'built-files': { readonly input: { readonly wish: FilesWish }; readonly reply: BuiltFiles };
  readonly 'image-config': { readonly input: { readonly ref: string; readonly platform?: Platform }; readonly reply: NamedImage };
  readonly 'list-context': { readonly input: unknown; readonly reply: ContextList };
  readonly lock: { readonly input: { readonly lock: LockRequest }; readonly reply: LockReport };
  readonly check: { readonly input: unknown; readonly reply: Checked };
  readonly outline: { readonly input: unknown; readonly reply: TargetOutline };
  readonly targets: { readonly input: unknown; readonly reply: Targets };
  readonly compare: { readonly input: unknown; readonly reply: readonly EngineRun[] };
}

export type BuildOperationKind = keyof BuildOperations;
export type BuildOperation<K extends BuildOperationKind = BuildOperationKind> = K extends K
  ? { readonly kind: K; readonly request: BuildRequest } & BuildOperations[K]['input']
  : never;

export type OperationKind = BuildOperationKind | StoreOperationKind;
export type Operation<K extends OperationKind = OperationKind> =
  | (K extends BuildOperationKind ? BuildOperation<K> : never)
  | (K extends StoreOperationKind ? StoreOperation<K> : never);
export type Reply<K extends OperationKind> = K extends BuildOperationKind
  ? BuildOperations[K]['reply']
  : K extends StoreOperationKind
    ? StoreOperations[K]['reply']
    : never;
/** What an operation of this kind needs of whoever asks for it. */
export type CallerOf<K extends OperationKind> = K extends StoreOperationKind ? StoreCaller : Caller;

const unknown = ({ kind }: { readonly kind: string }): SlipwayError =>
  new SlipwayError('internal', 'operation.unknown', `there is no operation ${kind}`);

/** What the build checks found. */
export interface Checked {
  readonly name: string;
  /** The Dockerfile, and what it includes of which something was found. */
  readonly files: readonly { readonly name: string; readonly text: string }[];
  readonly warnings: readonly (Diagnostic & { readonly url: string })[];
  /** Why a build would fail. */
  readonly error?: { readonly message: string; readonly hints: readonly string[]; readonly source?: SourceExcerpt };
}

/** @throws what the operation throws; the signal's reason */
export async function perform<K extends OperationKind>(engine: Engine, operation: Operation<K>, caller: CallerOf<K>): Promise<Reply<K>> {
  const o = operation as Operation;
  return (await (isStoreOperation(o) ? performOnStore(engine, o, caller as StoreCaller) : build(engine, o, caller as Caller))) as Reply<K>;
}

function build(engine: Engine, o: BuildOperation, caller: Caller): Promise<Reply<BuildOperationKind>> {
  const { request } = o;
  return withJob<Reply<BuildOperationKind>>(engine, request, caller, async (job) => {
    switch (o.kind) {
      case 'build':
        return (await import('./deliver.ts')).buildAndDeliver(engine, request.engine, job, o.delivery, o.statement);
      case 'plan':
        return (await import('./build.ts')).planBuild(engine, job, o.caches);
      case 'test':
        return (await import('./build.ts')).testStagesOfBuild(engine, job, o.caches);
      case 'built-files':
        return (await import('./built-files.ts')).readBuilt(engine, request.engine, job, o.wish);
      case 'image-config':
        return (await import('./built-files.ts')).imageConfig(engine, job, o.ref, o.platform);
      case 'list-context':
        return (await import('./build.ts')).contextOfBuild(engine, job);
      case 'lock':
        return (await import('./lock-operations.ts')).lockBases(engine, job, o.lock);
      case 'outline':
        return outlineOf(await (await import('./build.ts')).examineBuild(engine, job));
      case 'compare':
        return (await import('./compare-engines.ts')).compareEngines(engine, job);
      case 'targets':
        return targetsOf((await import('../builder/index.ts')).readDockerfile(job).dockerfile);
      case 'check': {
        const { ruleUrl } = await import('../dockerfile/index.ts');
        const { warnings, error } = await (await import('./build.ts')).lintBuild(engine, job);
        return {
          name: job.dockerfile.name,
          files: filesOf(job.dockerfile, [...warnings, ...(error ? [error] : [])]),
          warnings: warnings.map((w) => ({ ...w, url: ruleUrl(w.rule as RuleName) })),
          ...(error && { error: { message: error.message, hints: error.hints, ...(error.source && { source: error.source }) } }),
        };
      }
      default:
        throw unknown(o satisfies never);
    }
  });
}

function filesOf(
  { name, text }: { readonly name: string; readonly text: string },
  found: readonly { readonly source?: SourceExcerpt }[],
): Checked['files'] {
  const files = new Map([[name, { name, text }]]);
  for (const { source } of found) if (source && !files.has(source.file)) files.set(source.file, { name: source.file, text: source.text });
  return [...files.values()];
}
