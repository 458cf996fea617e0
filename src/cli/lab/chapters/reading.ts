// Chapter 1: questions about a Dockerfile that is only read.
import { type Chapter, type Check, fine, notYet, type Verdict } from '../chapter.ts';
import { lines, type World } from '../world.ts';

/** What stands behind the equals sign, in lower case without needless blanks; '' for no answer. */
function answer(world: World, key: string): string {
  const line = lines(world.read('answers.txt') ?? '').find((l) => l.replace(/\s/g, '').startsWith(`${key}=`));
  return (line?.slice(line.indexOf('=') + 1) ?? '').trim().toLowerCase();
}

function question(key: string, goal: string, judge: (given: string) => Verdict): Check {
  return {
    goal,
    look: (world) => {
      if (world.read('answers.txt') === undefined) return notYet('answers.txt is missing.', 'slipway lab reset 1 lays the files again');
      const given = answer(world, key);
      return given === '' ? notYet(`answers.txt has no answer for ${key}.`, `write it behind "${key} ="`) : judge(given);
    },
  };
}

export const reading: Chapter = {
  name: '01-reading',
  checks: [
    question('stages', 'Count the stages', (given) => {
      if (given === '5') return fine('Five FROMs, five stages.');
      if (given === '4') return notYet('There are more than four stages.', 'the last FROM has no name, and begins a stage all the same');
      return notYet(`There are not ${given} stages.`, 'count the lines that begin with FROM; COPY --from begins no stage');
    }),
    question('last-base', 'Find what the image starts from', (given) => {
      if (given === 'scratch') return fine('scratch: the image starts empty.');
      if (given === 'build') return notYet('The last stage copies from build; it does not start from it.', 'look at its FROM');
      return notYet(`The last stage does not start from ${given}.`, 'the last FROM of the file says it');
    }),
    question('copied-from', 'Find where the program comes from', (given) =>
      given === 'build'
        ? fine('COPY --from=build takes one file out of the stage that compiled it.')
        : notYet(`Nothing is copied from ${given} into the last stage.`, 'COPY --from=STAGE names it'),
    ),
    question('not-needed', 'Find what the image does not need', (given) => {
      const named = given
        .split(/[\s,]+/)
        .filter(Boolean)
        .sort();
      if (named.join() === 'docs,test') return fine('Nothing of test and docs reaches the last stage.');
      const wrong = named.find((n) => n !== 'docs' && n !== 'test');
      if (wrong === 'base') return notYet('base is needed.', 'build starts from base, and the last stage copies from build');
      if (wrong !== undefined) return notYet(`${wrong} is needed, or no stage.`, 'follow the last stage backwards: FROM and COPY --from');
      return notYet(
        'One more stage is not needed.',
        'test and docs both start from others; does anything start from them, or copy from them?',
      );
    }),
    question('packages', 'Say what ships', (given) =>
      given === '0'
        ? fine('None: the image is one file. The packages stay in base and build.')
        : notYet(`Not ${given}.`, 'packages are installed in base and build; the last stage copies a single file from there'),
    ),
  ],
};
