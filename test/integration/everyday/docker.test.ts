// The everyday command lines of this folder, typed to the real docker command line, which speaks to `slipway serve`: all is as it was with the engine
// that they were recorded on.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { environmentOf } from '../../support/command-line.ts';
import { DOCKER_CLI, noDockerCli, parseScenario, replay, Surroundings } from '../../support/everyday.ts';
import { inOwnNetwork, prepareOwnNetwork } from '../../support/own-network.ts';
import { scratch, SLIPWAY, TestStore } from '../../support/store.ts';
import { removeTree } from '../../../src/sys/index.ts';

if (DOCKER_CLI === undefined) test('docker at the API of slipway', { skip: noDockerCli }, () => {});
else if (inOwnNetwork(import.meta.url)) {
  const store = new TestStore(scratch());
  const host = `unix://${join(store.folder, 'docker.sock')}`;
  const docker = new Surroundings(DOCKER_CLI, store.root, { DOCKER_HOST: host });
  const server = spawn(SLIPWAY, ['serve', '--host', host], {
    env: { ...environmentOf(store), SLIPWAY_SOURCES: process.env['SLIPWAY_SOURCES'] ?? '' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });

  before(async () => {
    prepareOwnNetwork();
    await once(server.stderr, 'data');
    await docker.importBox();
  });
  after(async () => {
    server.kill();
    await once(server, 'close');
    docker[Symbol.dispose]();
    removeTree(store.folder);
  });

  for (const file of readdirSync(import.meta.dirname).filter((f) => f.endsWith('.txt'))) {
    const scenario = parseScenario(readFileSync(join(import.meta.dirname, file), 'utf8'));
    test(`${file}: ${scenario.about[0]}`, (t) => replay(t, docker, scenario, 'api'));
  }
}
