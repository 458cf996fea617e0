// The use cases of building, as data in and data out. An adapter names one, gives a session for what only its user has, and shows the
// events; the same data go to a worker process.
import type { Plan } from '../builder/index.ts';
import type { Diagnostic, RuleName } from '../dockerfile/index.ts';
import { type SourceExcerpt, SlipwayError } from '../model/index.ts';
import type { Caches } from './build.ts';
import type { EngineRun } from './compare-engines.ts';
import type { Delivered } from './deliver.ts';
import type { Delivery } from './delivery.ts';
import type { Engine } from './engine.ts';
import { type BuildRequest, type Caller, withJob } from './job.ts';
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
  readonly check: { readonly input: unknown; readonly reply: Checked };
  readonly outline: { readonly input: unknown; readonly reply: TargetOutline };
  readonly targets: { readonly input: unknown; readonly reply: Targets };
  readonly compare: { readonly input: unknown; readonly reply: readonly EngineRun[] };
}

export type OperationKind = keyof BuildOperations;
export type Operation<K extends OperationKind = OperationKind> = K extends K
  ? { readonly kind: K; readonly request: BuildRequest } & BuildOperations[K]['input']
  : never;
export type Reply<K extends OperationKind> = BuildOperations[K]['reply'];

const unknown = ({ kind }: { readonly kind: string }): SlipwayError =>
  new SlipwayError('internal', 'operation.unknown', `there is no operation ${kind}`);

/** What the build checks found. */
export interface Checked {
  readonly name: string;
  readonly text: string;
  readonly warnings: readonly (Diagnostic & { readonly url: string })[];
  /** Why a build would fail. */
  readonly error?: { readonly message: string; readonly hints: readonly string[]; readonly source?: SourceExcerpt };
}

/** @throws what the operation throws; the signal's reason */
export async function perform<K extends OperationKind>(engine: Engine, operation: Operation<K>, caller: Caller): Promise<Reply<K>> {
  return (await run(engine, operation as Operation, caller)) as Reply<K>;
}

function run(engine: Engine, o: Operation, caller: Caller): Promise<Reply<OperationKind>> {
  const { request } = o;
  return withJob<Reply<OperationKind>>(engine, request, caller, async (job) => {
    switch (o.kind) {
      case 'build':
        return (await import('./deliver.ts')).buildAndDeliver(engine, request.engine, job, o.delivery, o.statement);
      case 'plan':
        return (await import('./build.ts')).planBuild(engine, job, o.caches);
      case 'outline':
        return outlineOf(await (await import('./build.ts')).examineBuild(engine, job));
      case 'compare':
        return (await import('./compare-engines.ts')).compareEngines(engine, job);
      case 'targets':
        return targetsOf((await import('../dockerfile/index.ts')).parseDockerfile(job.dockerfile.text, { name: job.dockerfile.name }));
      case 'check': {
        const { ruleUrl } = await import('../dockerfile/index.ts');
        const { warnings, error } = await (await import('./build.ts')).lintBuild(engine, job);
        return {
          ...job.dockerfile,
          warnings: warnings.map((w) => ({ ...w, url: ruleUrl(w.rule as RuleName) })),
          ...(error && { error: { message: error.message, hints: error.hints, ...(error.source && { source: error.source }) } }),
        };
      }
      default:
        throw unknown(o satisfies never);
    }
  });
}
