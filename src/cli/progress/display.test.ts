import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Tracker } from './display.ts';

test('a line that does not end is shown in pieces', () => {
  const tracker = new Tracker();
  const at = 0;
  tracker.vertex({ type: 'vertex', id: 'v', name: 'RUN', inputs: [], state: 'started', at });
  const write = (data: string): string[] =>
    tracker.log({ type: 'log', id: 'v', stream: 'stdout', data: Buffer.from(data), at })!.lines.map((line) => line.text);
  assert.deepEqual(write('begin'), []);
  assert.deepEqual(write('ning\nrest'), ['beginning']);
  const long = 'x'.repeat(100_000);
  assert.deepEqual(write(long), [`rest${long}`]);
  assert.deepEqual(write(long), [long]);
  assert.deepEqual(write('\nlast'), ['']);
  assert.deepEqual(
    tracker.flush(tracker.vertices.get('v')!, at).map((line) => line.text),
    ['last'],
  );
});
