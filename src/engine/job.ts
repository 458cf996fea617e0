// From a request to a build at work: opens what it names.
import type {
  BaseLock,
  BuildEvent,
  BuildJob,
  BuildSettings,
  ContextRequest,
  DebugShell,
  DockerfileRequest,
  NamedContext,
  NamedContextRequest,
  StepDebugger,
} from '../builder/index.ts';
import type { Session } from '../model/index.ts';
import type { BuildEngine } from './build.ts';
import type { Engine } from './engine.ts';

/** What a build is asked to do. Names of folders, secrets, agents and outputs are ones that the caller's session knows. */
export interface BuildRequest extends BuildSettings {
  readonly engine: BuildEngine;
  readonly context: ContextRequest;
  /** `Dockerfile` of the context when left out. */
  readonly dockerfile?: DockerfileRequest;
  /** By the names of `--build-context`. */
  readonly namedContexts: Readonly<Record<string, NamedContextRequest>>;
  /** Of a context that is a Git repository, keep `.git`. */
  readonly keepGitDir: boolean;
}

/** Whoever asks for an operation. */
export interface Caller {
  readonly session: Session;
  readonly signal: AbortSignal;
  onEvent(e: BuildEvent): void;
  /** Opens a shell where a command failed: for callers in this process alone. */
  readonly debug?: DebugShell;
  /** Goes through the build step by step: in this process too. */
  readonly stepping?: StepDebugger;
}

/** Undefined where there is none and none is to be. */
async function openLock(
  engine: Engine,
  file: { readonly name: string; readonly text: string } | undefined,
  { mode, onEvent }: { readonly mode: 'write' | undefined; readonly onEvent: Caller['onEvent'] },
): Promise<BaseLock | undefined> {
  if (file === undefined && mode === undefined) return undefined;
  const { Lock } = await import('./lock.ts');
  return new Lock(engine, file, { write: mode === 'write', onWarning: (message) => onEvent({ type: 'warning', message }) });
}

/** Lets `fn` work with what the request names, and removes afterwards what was fetched or unpacked for it. */
export async function withJob<T>(
  engine: Engine,
  request: BuildRequest,
  { session, signal, onEvent, debug, stepping }: Caller,
  fn: (job: BuildJob) => Promise<T>,
): Promise<T> {
  const { openNamedContext, openRequested } = await import('../builder/index.ts');
  const { engine: wording, context: wanted, dockerfile, namedContexts: named, keepGitDir, lock: mode, ...settings } = request;
  const environment = engine.toolEnvironment;
  const opening = { scratch: engine.layout.ingest, signal, elsewhere: { environment, session }, keepGitDir };
  await using undo = new AsyncDisposableStack();
  const context = undo.use(await openRequested({ context: wanted, dockerfile }, session, { ...opening, wording }));
  const namedContexts = new Map<string, NamedContext>();
  for (const [name, one] of Object.entries(named)) {
    const opened = await openNamedContext(name, one, session, { ...opening, wording: 'graph' });
    if (opened.kind !== 'image') undo.defer(() => opened.dispose());
    namedContexts.set(name, opened);
  }
  const lock = mode === 'off' ? undefined : await openLock(engine, context.lock(), { mode, onEvent });
  const counting =
    request.secretsInKey && (await import('./secret-digest.ts')).secretDigests(engine, request.secretsInKey, session, signal);
  // awaited here: what is opened would be closed at once
  return await fn({
    ...settings,
    dockerfile: context.dockerfile(),
    context,
    namedContexts,
    session,
    environment,
    signal,
    onEvent,
    ...(debug && { debug }),
    ...(stepping && { stepping }),
    ...(lock && { lock }),
    ...(counting && { secretDigest: counting }),
  });
}
