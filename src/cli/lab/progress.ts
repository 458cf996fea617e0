// How far the learner is: one small file beside the user's other settings.
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '../../sys/index.ts';

export interface Started {
  readonly folder: string;
  /** ms since the epoch. */
  readonly since: number;
  /** Hints given so far. */
  readonly hints: number;
}

export interface State {
  /** The chapter that `check`, `hint` and `solution` mean. */
  readonly current?: string;
  readonly started: Readonly<Record<string, Started>>;
  /** Chapter → ms when its checks first passed. */
  readonly done: Readonly<Record<string, number>>;
}

const EMPTY: State = { started: {}, done: {} };

export class Progress {
  readonly #path: string;

  constructor(env: NodeJS.ProcessEnv, home: string) {
    this.#path = join(env['XDG_STATE_HOME'] || join(home, '.local', 'state'), 'slipway', 'lab.json');
  }

  /** A file that is missing or damaged is a learner who begins. */
  read(): State {
    try {
      return { ...EMPTY, ...(JSON.parse(readFileSync(this.#path, 'utf8')) as Partial<State>) };
    } catch {
      return EMPTY;
    }
  }

  write(state: State): void {
    mkdirSync(dirname(this.#path), { recursive: true });
    writeFileAtomic(this.#path, `${JSON.stringify(state, null, 2)}\n`);
  }
}
