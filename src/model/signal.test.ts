import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signalNumber } from './signal.ts';

test('signals by name and number', () => {
  const known = {
    SIGTERM: 15,
    term: 15,
    SigKill: 9,
    '9': 9,
    '99': 99,
    '-1': -1,
    CLD: 17,
    SIGPOLL: 29,
    SIGRTMIN: 34,
    'rtmin+15': 49,
    'RTMAX-14': 50,
  };
  for (const [text, number] of Object.entries(known)) assert.equal(signalNumber(text), number, text);
  for (const text of ['', '0', 'SIG', 'SIGNOPE', 'RTMIN+16', 'RTMAX-15', 'RTMIN-1', '1.5', 'constructor'])
    assert.equal(signalNumber(text), undefined, text);
});
