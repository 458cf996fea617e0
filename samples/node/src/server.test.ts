import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Notes } from './notes.js';
import { serve } from './server.js';

test('notes are taken, listed and removed', async () => {
  const server = serve(new Notes()).listen(0);
  await once(server, 'listening');
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const added = await fetch(at, { method: 'POST', body: 'buy milk' });
  assert.deepEqual([added.status, await added.json()], [201, { id: 1, text: 'buy milk' }]);
  assert.deepEqual(await (await fetch(at)).json(), [{ id: 1, text: 'buy milk' }]);
  assert.equal((await fetch(`${at}/1`, { method: 'DELETE' })).status, 200);
  assert.equal((await fetch(at, { method: 'POST', body: ' ' })).status, 400);
  server.close();
  server.closeAllConnections();
});
