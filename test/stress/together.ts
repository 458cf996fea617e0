// Many commands at once on one store: `sh scripts/node.sh test/stress/together.ts --runs 200 --builds 20 --prunes 5 --transfers 5`. Everything must
// come out right, and `system check` must find nothing afterwards. The test of the same name does it with a few.
import { parseArgs } from 'node:util';
import { rmSync } from 'node:fs';
import { scratch, TestStore } from '../support/store.ts';
import { together } from './commands.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '200' },
    builds: { type: 'string', default: '20' },
    prunes: { type: 'string', default: '5' },
    transfers: { type: 'string', default: '5' },
  },
});
const store = new TestStore(scratch());
try {
  const began = performance.now();
  const { runs, builds, prunes, transfers } = values;
  const wrong = await together(store, {
    runs: Number(runs),
    builds: Number(builds),
    prunes: Number(prunes),
    transfers: Number(transfers),
  });
  for (const text of wrong) process.stderr.write(`${text}\n`);
  process.stdout.write(`${wrong.length} wrong, ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
  process.exitCode = wrong.length > 0 ? 1 : 0;
} finally {
  rmSync(store.folder, { recursive: true, force: true });
}
