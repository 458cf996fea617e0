// `events`: what happens to the things of the store, as a stream that a client follows.
import { eventJson } from '../../docker/index.ts';
import { EVENT_FILTERS, events as eventsOf } from '../../engine/index.ts';
import type { Call } from '../http/call.ts';
import { drained } from '../containers/streams.ts';

export async function events(call: Call): Promise<void> {
  const { api, query, reply } = call;
  const [since, until] = [query.time('since'), query.time('until')];
  const filters = query.filters(EVENT_FILTERS);
  const signal = call.following;
  const happening = eventsOf(api.engine, { filters, signal, ...(since !== undefined && { since }), ...(until !== undefined && { until }) });
  // begun before the head is sent: what happens from then on is told
  const first = happening.next();
  // what is wrong with the times has a status
  await Promise.race([first, Promise.resolve()]);
  const output = reply.stream('application/json');
  try {
    for (let next = await first; next.done !== true; next = await happening.next()) {
      output.write(`${JSON.stringify(eventJson(next.value))}\n`);
      await drained(output);
    }
  } finally {
    await happening.return(undefined);
  }
  output.end();
}
