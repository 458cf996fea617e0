// What the buttons of the page do.
import {
  cancelBuild,
  type Operation,
  type OperationKind,
  pauseContainer,
  performInWorker,
  type CallerOf,
  unpauseContainer,
} from '../../engine/index.ts';
import { type Session, SlipwayError } from '../../model/index.ts';
import { wordsOf } from './path.ts';
import type { Served } from './served.ts';

/** @throws SlipwayError `ui.no-such-action` and as what it does */
export async function act(served: Served, path: string): Promise<void> {
  const { engine } = served;
  const [kind = '', ...words] = wordsOf(path);
  const action = words.pop() ?? '';
  const name = words.join('/');
  const unknown = (): SlipwayError => new SlipwayError('not-found', 'ui.no-such-action', `there is no action ${path}`);
  if (name === '') throw unknown();
  if (kind === 'builds' && action === 'cancel') {
    const again = served.cancelled.has(name);
    served.cancelled.add(name);
    // a second interrupt would not let the build clean up
    return again ? undefined : await cancelBuild(engine, name);
  }
  if (kind === 'images' && action === 'remove')
    return void (await work(served, { kind: 'remove-image', image: name, force: false, prune: true }));
  if (kind !== 'containers') throw unknown();
  const containers = await engine.containers();
  await containers.reconcile();
  const c = containers.records.resolve(name);
  const start = (): Promise<unknown> => work(served, { kind: 'start', container: c.id, attended: false });
  const usual = { seconds: undefined, signal: undefined };
  switch (action) {
    case 'start':
      return void (await start());
    case 'stop':
      return await containers.stop(c, usual);
    case 'restart':
      await containers.stop(c, usual);
      await start();
      return containers.records.note(c, 'restart');
    case 'pause':
      return await pauseContainer(containers, c);
    case 'unpause':
      return await unpauseContainer(containers, c);
    case 'kill':
      return await containers.kill(c, 'KILL');
    case 'remove':
      return void (await work(served, { kind: 'remove', container: c.id, force: false, volumes: false }));
    default:
      throw unknown();
  }
}

/** What mounts files, in a process of its own: this one goes on answering. It is done to its end, whoever stays to see it. */
function work<K extends OperationKind>({ worker, warn }: Served, operation: Operation<K>): Promise<unknown> {
  const caller = { session: NOBODY, signal: new AbortController().signal, onEvent: () => {} };
  return performInWorker({ ...worker, onText: (text) => warn(text.toString().trim()) }, operation, caller as unknown as CallerOf<K>);
}

const nothing = (): Promise<never> =>
  Promise.reject(new SlipwayError('not-found', 'session.local', 'a page in a browser has no files to give'));

/** None of these operations asks for anything. */
const NOBODY: Session = {
  secret: () => Promise.resolve(undefined),
  ssh: () => Promise.resolve(undefined),
  credentials: () => Promise.resolve(undefined),
  local: nothing,
  output: nothing,
};
