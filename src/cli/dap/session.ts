// One editor and one build: requests of the Debug Adapter Protocol to what the build is to do, what it does to events.
import type { DebugProtocol } from '@vscode/debugprotocol';
import { type BuildEvent, perform, type StepState } from '../../engine/index.ts';
import { isSlipwayError, SlipwayError } from '../../model/index.ts';
import { firstError, printable } from '../../util/index.ts';
import type { Context } from '../command.ts';
import { renderExcerpt } from '../excerpt.ts';
import { openDisplay } from '../progress/index.ts';
import { type Launch, readLaunch, realPath } from './launch.ts';
import { type StopReason, Stops } from './stops.ts';
import { valueOf, Variables } from './variables.ts';

/** The build is one thread, and stands in one place. */
const [THREAD, FRAME] = [1, 1];
/** Characters of a command's output that are answered. */
const MOST_OUTPUT = 1 << 20;

type Body = Readonly<Record<string, unknown>> | undefined;

export class DapSession {
  readonly #ctx: Context;
  readonly #send: (message: DebugProtocol.ProtocolMessage) => void;
  readonly #abort = new AbortController();
  readonly #variables = new Variables();
  /** Lines as the editor asked for them, until the Dockerfile is known. */
  readonly #asked = new Map<string, readonly number[]>();
  readonly #evaluating = new Map<number, AbortController>();
  readonly #closed: Promise<void>;
  #close: () => void = () => {};
  #seq = 0;
  #launch: Launch | undefined;
  #stops: Stops | undefined;
  #build: Promise<void> | undefined;
  #failures = true;

  /** @param send is given a message without its number */
  constructor(ctx: Context, send: (message: DebugProtocol.ProtocolMessage) => void) {
    this.#ctx = ctx;
    this.#send = send;
    this.#closed = new Promise((resolve) => (this.#close = resolve));
    ctx.signal.addEventListener('abort', () => this.end(), { once: true });
  }

  /** Resolves when the editor has taken its leave and the build has ended. */
  async ended(): Promise<void> {
    await this.#closed;
    await this.#build;
  }

  /** Ends the build, if it goes on, and the session. */
  end(): void {
    this.#abort.abort(new SlipwayError('cancelled', 'dap.ended', 'the debugger ended the build'));
    this.#stops?.end();
    this.#close();
  }

  /** Answers a request. What is no request is read over: nothing is asked of editors. */
  async handle(message: DebugProtocol.ProtocolMessage): Promise<void> {
    if (message.type !== 'request') return;
    const request = message as DebugProtocol.Request;
    const respond = (response: Partial<DebugProtocol.Response>): void =>
      this.#message({ type: 'response', request_seq: request.seq, command: request.command, success: true, ...response });
    try {
      const body = await this.#answer(request);
      respond(body === undefined ? {} : { body });
    } catch (error) {
      const e = firstError(error);
      const message = e instanceof Error ? e.message : String(e);
      const hints = isSlipwayError(e) ? e.hints : [];
      respond({
        success: false,
        message,
        body: { error: { id: 1, format: [message, ...hints].join('\n').replaceAll('{', '(').replaceAll('}', ')'), showUser: true } },
      });
    }
    this.#after(request.command);
  }

  /** What goes out when a request has been answered. */
  #after(command: string): void {
    if (command === 'launch' && this.#launch !== undefined) this.#event('initialized');
    if (command === 'configurationDone') this.#begin();
    if (command === 'disconnect') this.end();
  }

  #answer({ command, arguments: args = {}, seq }: DebugProtocol.Request): Body | Promise<Body> {
    switch (command) {
      case 'initialize':
        return CAPABILITIES;
      case 'launch':
        return this.#launched(args as DebugProtocol.LaunchRequestArguments);
      case 'setBreakpoints':
        return this.#setBreakpoints(args as DebugProtocol.SetBreakpointsArguments);
      case 'setExceptionBreakpoints':
        this.#failures = (args as DebugProtocol.SetExceptionBreakpointsArguments).filters.includes('failed');
        if (this.#stops) this.#stops.failures = this.#failures;
        return undefined;
      case 'breakpointLocations': {
        const { source, line, endLine = line } = args as DebugProtocol.BreakpointLocationsArguments;
        const starts = this.#launch?.file.starts(source.path ?? '') ?? [];
        return { breakpoints: starts.filter((start) => start >= line && start <= endLine).map((start) => ({ line: start })) };
      }
      case 'configurationDone':
        if (this.#launch === undefined) throw wrong('nothing was launched');
        return undefined;
      case 'threads':
        return { threads: [{ id: THREAD, name: 'build' }] };
      case 'stackTrace':
        return this.#stackTrace();
      case 'scopes': {
        const state = this.#state();
        this.#variables.clear();
        return { scopes: this.#variables.scopes(state, (path) => state.list(path)) };
      }
      case 'variables':
        return this.#variables.get((args as DebugProtocol.VariablesArguments).variablesReference).then((variables) => ({ variables }));
      case 'evaluate':
        return this.#evaluate(seq, args as DebugProtocol.EvaluateArguments);
      case 'continue':
        this.#go('on');
        return { allThreadsContinued: true };
      case 'next':
      case 'stepIn':
        this.#go('next');
        return undefined;
      case 'stepOut':
        this.#go('out');
        return undefined;
      case 'pause':
        this.#stops?.pause();
        return undefined;
      case 'exceptionInfo': {
        const { error = '' } = this.#state();
        return { exceptionId: 'failed step', description: error, breakMode: 'always' };
      }
      case 'cancel': {
        const { requestId } = args as DebugProtocol.CancelArguments;
        this.#evaluating.get(requestId ?? 0)?.abort(new SlipwayError('cancelled', 'dap.cancelled', 'cancelled'));
        return undefined;
      }
      case 'terminate':
        this.#abort.abort(new SlipwayError('cancelled', 'dap.ended', 'the debugger ended the build'));
        this.#stops?.end();
        return undefined;
      case 'disconnect':
        return undefined;
      default:
        throw wrong(`${command} is not supported`);
    }
  }

  async #launched(args: DebugProtocol.LaunchRequestArguments): Promise<Body> {
    if (this.#launch !== undefined) throw wrong('a session launches one build');
    const launch = await readLaunch(this.#ctx, args);
    this.#launch = launch;
    this.#stops = new Stops({
      stopOnEntry: launch.stopOnEntry,
      pathOf: (file) => launch.file.pathOf(file),
      onStopped: (reason, state) => this.#stopped(reason, state),
    });
    this.#stops.failures = this.#failures;
    for (const [path, lines] of this.#asked) this.#place(path, lines);
    return undefined;
  }

  #setBreakpoints({ source, breakpoints = [] }: DebugProtocol.SetBreakpointsArguments): Body {
    const path = realPath(source.path ?? '');
    const lines = breakpoints.map(({ line }) => line);
    this.#asked.set(path, lines);
    return { breakpoints: this.#place(path, lines) };
  }

  #place(path: string, lines: readonly number[]): DebugProtocol.Breakpoint[] {
    const file = this.#launch?.file;
    const starts = lines.map((line) => file?.startOf(path, line));
    this.#stops?.breakpoints.set(path, new Set(starts.filter((line) => line !== undefined)));
    const message = file === undefined ? 'the build has not been launched' : 'no instruction of a stage stands here or below';
    return starts.map((line) => (line === undefined ? { verified: false, message } : { verified: true, line, source: { path } }));
  }

  #stackTrace(): Body {
    const state = this.#stops?.current;
    if (state === undefined || this.#launch === undefined) return { stackFrames: [], totalFrames: 0 };
    const { source, stage, text } = state;
    const label = stage.name ?? `stage ${stage.index}`;
    const { start, end } = source.range;
    const frame: DebugProtocol.StackFrame = {
      id: FRAME,
      name: `${label}: ${text}`,
      source: { name: source.file, path: this.#launch.file.pathOf(source.file) },
      line: start.line,
      column: start.column + 1,
      endLine: end.line,
      endColumn: end.column + 1,
    };
    return { stackFrames: [frame], totalFrames: 1 };
  }

  /** A command in the console; where an editor asks by itself, as for what the mouse is over, a variable. */
  async #evaluate(seq: number, { expression, context = 'repl' }: DebugProtocol.EvaluateArguments): Promise<Body> {
    const state = this.#state();
    if (context !== 'repl') {
      const value = valueOf(state, expression);
      if (value === undefined) throw wrong(`no variable ${expression}`);
      return { result: value, variablesReference: 0 };
    }
    let output = '';
    const stop = new AbortController();
    this.#evaluating.set(seq, stop);
    try {
      const exitCode = await this.#stops?.during((at, signal) =>
        at.run(expression, {
          signal: AbortSignal.any([signal, stop.signal]),
          onOutput: (_, chunk) => {
            if (output.length < MOST_OUTPUT) output += chunk.toString();
          },
        }),
      );
      return { result: exitCode === 0 ? output : `${output}exit code: ${exitCode}\n`, variablesReference: 0 };
    } finally {
      this.#evaluating.delete(seq);
    }
  }

  #go(going: 'on' | 'next' | 'out'): void {
    this.#state();
    this.#variables.clear();
    this.#stops?.go(going);
  }

  #state(): StepState {
    return this.#stops?.current ?? wrongly('the build does not stand still');
  }

  #stopped(reason: StopReason, { error, text }: StepState): void {
    this.#variables.clear();
    this.#event('stopped', {
      reason,
      threadId: THREAD,
      allThreadsStopped: true,
      ...(error !== undefined && { description: 'a step failed', text: error }),
      ...(error === undefined && { description: text }),
    });
  }

  #begin(): void {
    const launch = this.#launch;
    if (launch === undefined || this.#build !== undefined) return;
    this.#build = this.#run(launch).finally(() => this.#event('terminated'));
  }

  async #run({ request, session, delivery, noDebug }: Launch): Promise<void> {
    const say = (output: string, category = 'console'): void => this.#event('output', { category, output });
    const stderr = { write: (text: string | Uint8Array) => say(Buffer.from(text).toString()), isTTY: false };
    const display = openDisplay('plain', { ...this.#ctx, stderr }, 'graph', false);
    let exitCode = 0;
    try {
      const caller = {
        session,
        signal: this.#abort.signal,
        onEvent: (e: BuildEvent) => display.event(e),
        ...(!noDebug && this.#stops && { stepping: this.#stops }),
      };
      const { imageId } = await perform(await this.#ctx.engine(), { kind: 'build', request, delivery }, caller);
      display.end(false);
      say(`${imageId}\n`, 'stdout');
    } catch (error) {
      display.end(true);
      const e = firstError(error);
      exitCode = 1;
      const message = e instanceof Error ? e.message : String(e);
      const [excerpt, hints] = isSlipwayError(e) ? [e.source ? renderExcerpt(e.source) : '', e.hints] : ['', []];
      say(printable(`${excerpt}ERROR: ${message}\n${hints.map((hint) => `hint: ${hint}\n`).join('')}`), 'stderr');
    }
    this.#stops?.end();
    this.#event('exited', { exitCode });
  }

  #event(event: string, body?: Readonly<Record<string, unknown>>): void {
    this.#message({ type: 'event', event, ...(body && { body }) });
  }

  #message(message: Readonly<Record<string, unknown>> & { readonly type: string }): void {
    this.#send({ ...message, seq: ++this.#seq });
  }
}

const wrong = (message: string): SlipwayError => new SlipwayError('invalid-argument', 'dap.request', message);

function wrongly(message: string): never {
  throw wrong(message);
}

const CAPABILITIES: DebugProtocol.Capabilities & Body = {
  supportsConfigurationDoneRequest: true,
  supportsBreakpointLocationsRequest: true,
  supportsExceptionInfoRequest: true,
  supportsCancelRequest: true,
  supportsTerminateRequest: true,
  supportsEvaluateForHovers: true,
  exceptionBreakpointFilters: [{ filter: 'failed', label: 'Failed steps', description: 'Stop where a command failed', default: true }],
};
