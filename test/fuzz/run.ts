// npm run fuzz -- [--seconds N] [--seed S] [--target NAME]: tries all targets in turn, for N seconds in all.
import { parseArgs } from 'node:util';
import { TARGETS, tryTarget } from './campaign.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string' }, seed: { type: 'string' }, target: { type: 'string' } } });
const seconds = Number(values.seconds ?? 60);
const seed = Number(values.seed ?? Math.trunc(Math.random() * 2 ** 31));
const targets = values.target === undefined ? TARGETS : TARGETS.filter((name) => name === values.target);
if (!(seconds > 0) || !Number.isSafeInteger(seed) || targets.length === 0) {
  process.stderr.write(`usage: npm run fuzz -- [--seconds N] [--seed S] [--target ${TARGETS.join('|')}]\n`);
  process.exit(2);
}
process.stdout.write(`seed ${seed}\n`);
for (const name of targets) {
  const { tried, failure } = await tryTarget(name, seed, (seconds * 1_000) / targets.length);
  process.stdout.write(`${name.padEnd(12)} ${tried} inputs\n`);
  if (failure === undefined) continue;
  process.stderr.write(`${failure}\n`);
  process.exitCode = 1;
}
