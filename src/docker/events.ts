// An event in Docker's JSON.
import type { RecordedEvent } from '../engine/index.ts';
import { sortedMap } from '../util/index.ts';

/** A text that stands in JSON as it is. */
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;

export const nanosecondsOf = ({ at }: RecordedEvent): string => `${at}000`;

/** Docker's message of its API; containers and images have the older fields as well. */
export function eventJson(e: RecordedEvent) {
  const { type, action, actor, attributes, at } = e;
  const from = type === 'container' ? attributes['image'] : undefined;
  return {
    ...((type === 'container' || type === 'image') && { status: action, ...(actor && { id: actor }), ...(from && { from }) }),
    Type: type,
    Action: action,
    Actor: { ID: actor, Attributes: sortedMap(attributes) },
    scope: 'local',
    time: Math.floor(at / 1e6),
    timeNano: rawJson(nanosecondsOf(e)), // more than a double holds
  };
}
