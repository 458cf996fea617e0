// The everyday command lines of this folder, typed to Slipway: it prints what the real Docker printed when they were recorded (scripts/record-everyday.ts).
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { environmentOf } from '../../support/command-line.ts';
import { parseScenario, replay, Surroundings } from '../../support/everyday.ts';
import { inOwnNetwork, prepareOwnNetwork } from '../../support/own-network.ts';
import { scratch, SLIPWAY, TestStore } from '../../support/store.ts';
import { removeTree } from '../../../src/sys/index.ts';

if (inOwnNetwork(import.meta.url)) {
  const store = new TestStore(scratch());
  const { PATH: _, HOME: __, ...environment } = environmentOf(store);
  const docker = new Surroundings(SLIPWAY, store.root, { ...environment, SLIPWAY_SOURCES: process.env['SLIPWAY_SOURCES'] ?? '' });

  before(async () => {
    prepareOwnNetwork();
    await docker.importBox();
  });
  after(() => {
    docker[Symbol.dispose]();
    removeTree(store.folder);
  });

  for (const file of readdirSync(import.meta.dirname).filter((f) => f.endsWith('.txt'))) {
    const scenario = parseScenario(readFileSync(join(import.meta.dirname, file), 'utf8'));
    test(`${file}: ${scenario.about[0]}`, (t) => replay(t, docker, scenario, 'cli'));
  }
}
