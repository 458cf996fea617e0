// Names for containers that were given none: an adjective and somebody who moved ships, ports or numbers forward.
import { SlipwayError } from '../model/index.ts';
import { randomInt } from '../util/index.ts';

const ADJECTIVES = [
  'able',
  'bold',
  'brave',
  'bright',
  'brisk',
  'calm',
  'clever',
  'curious',
  'daring',
  'eager',
  'fair',
  'gentle',
  'happy',
  'jolly',
  'keen',
  'kind',
  'lively',
  'lucid',
  'merry',
  'mighty',
  'nimble',
  'patient',
  'quick',
  'quiet',
  'ready',
  'serene',
  'sharp',
  'steady',
  'sunny',
  'swift',
  'trusty',
  'wise',
];
const PEOPLE = [
  'amundsen',
  'babbage',
  'brunel',
  'cook',
  'dijkstra',
  'earhart',
  'ericson',
  'euler',
  'franklin',
  'gama',
  'gauss',
  'hamilton',
  'hopper',
  'hudson',
  'knuth',
  'lamport',
  'liskov',
  'lovelace',
  'magellan',
  'mclean',
  'mercator',
  'nansen',
  'noether',
  'polo',
  'ride',
  'shackleton',
  'shannon',
  'tasman',
  'tereshkova',
  'turing',
  'wilkes',
  'zheng',
];

const pick = (words: readonly string[]): string => words[randomInt(words.length)]!;

/** A name such as `swift_hopper`; from the fourth attempt on with a number, so that one is found soon. */
export function randomName(attempt: number): string {
  return `${pick(ADJECTIVES)}_${pick(PEOPLE)}${attempt > 3 ? randomInt(10 ** Math.min(9, attempt)) : ''}`;
}

/** What Docker accepts as a container's name. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** Throws invalid-argument 'container.invalid-name' in Docker's words. */
export function checkName(name: string): void {
  if (NAME.test(name)) return;
  throw new SlipwayError(
    'invalid-argument',
    'container.invalid-name',
    `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
  );
}

/** The refusal of a name that another container has, in Docker's words. */
export function nameTaken(name: string, id: string): SlipwayError {
  return new SlipwayError(
    'conflict',
    'container.name-taken',
    `Conflict. The container name "/${name}" is already in use by container "${id}". You have to remove (or rename) that container to be able to reuse that name.`,
  );
}
