// A running build as a stream of events (HTML, 9.2), and at its end the build as it is on record.
import type { ServerResponse } from 'node:http';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { followBuild } from '../../engine/index.ts';
import { isSlipwayError } from '../../model/index.ts';
import type { Served } from './served.ts';
import { buildData } from './views.ts';

/** ms between two looks for a build that is about to begin. */
const LOOK = 20;

export async function streamBuild(served: Served, ref: string, response: ServerResponse, signal: AbortSignal): Promise<void> {
  const send = async (text: string): Promise<void> => {
    if (!response.write(text)) await once(response, 'drain', { signal });
  };
  response.writeHead(200, { 'content-type': 'text/event-stream', connection: 'close' });
  await send(': \n\n');
  for (;;) {
    try {
      for await (const lines of followBuild(served.engine, ref, signal)) await send(lines.map((line) => `data: ${line}\n\n`).join(''));
      break;
    } catch (e) {
      if (ref !== served.first || !isSlipwayError(e) || e.code !== 'build.no-record') throw e;
      await sleep(LOOK, undefined, { signal });
    }
  }
  await send(`event: end\ndata: ${JSON.stringify(await buildData(served, ref, signal))}\n\n`);
  response.end();
}
