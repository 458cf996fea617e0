// sh scripts/node.sh scripts/record-everyday.ts [FILE...]: runs the everyday command lines of test/integration/everyday (or of the files that are named)
// on the real Docker at DOCKER_HOST, by the docker command line that SLIPWAY_DOCKER_CLI names or the PATH has, and writes what they print into their
// files. What these say of Slipway stays.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findExecutable } from '../src/sys/index.ts';
import { formatScenario, type Line, type Outcome, parseScenario, Surroundings } from '../test/support/everyday.ts';

const FOLDER = fileURLToPath(new URL('../test/integration/everyday/', import.meta.url));
const { DOCKER_HOST, SLIPWAY_DOCKER_CLI } = process.env;
const program = SLIPWAY_DOCKER_CLI ?? findExecutable('docker');
if (DOCKER_HOST === undefined || program === undefined)
  throw new Error('DOCKER_HOST has to name a Docker Engine, SLIPWAY_DOCKER_CLI a docker command line');

const named = process.argv.slice(2);
const files = named.length > 0 ? named : readdirSync(FOLDER).flatMap((f) => (f.endsWith('.txt') ? [join(FOLDER, f)] : []));
using docker = new Surroundings(program, '/var/lib/docker', { DOCKER_HOST });
await docker.importBox();
let count = 0;
for (const file of files.sort()) {
  const { about, lines } = parseScenario(readFileSync(file, 'utf8'));
  const outcomes: Outcome[] = [];
  await docker.run(
    lines.map((l) => l.command),
    (outcome) => outcomes.push(outcome),
  );
  const recorded = lines.map((line, i): Line => ({ ...line, recorded: outcomes[i] ?? line.recorded }));
  writeFileSync(file, formatScenario({ about, lines: recorded }));
  count += lines.length;
  process.stdout.write(`${basename(file)}: ${lines.length}\n`);
}
await docker.line('docker rmi -f box');
process.stdout.write(`${count} command lines\n`);
