import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exposedPorts } from './ports.ts';

test('only the side of the container counts', () => {
  assert.deepEqual(exposedPorts('80'), ['80/tcp']);
  assert.deepEqual(exposedPorts('90/TCP'), ['90/tcp']);
  assert.deepEqual(exposedPorts('8080:80'), ['80/tcp']);
  assert.deepEqual(exposedPorts('127.0.0.1:9090:90/udp'), ['90/udp']);
  assert.deepEqual(exposedPorts('3000-3001:4000-4001'), ['4000/tcp', '4001/tcp']);
  assert.deepEqual(exposedPorts('9000-9001/udp'), ['9000/udp', '9001/udp']);
});

test('what stands behind a second dash or slash is passed over, as in Docker', () => {
  assert.deepEqual(exposedPorts('1-2-x'), ['1/tcp', '2/tcp']);
  assert.deepEqual(exposedPorts('80/tcp/udp'), ['80/tcp']);
  assert.deepEqual(exposedPorts('90-95:80'), ['80/tcp']);
  assert.deepEqual(exposedPorts('[::1]:80:80'), ['80/tcp']);
});

test('what is no port is refused', () => {
  assert.throws(() => exposedPorts('http'), { message: 'Invalid containerPort: http' });
  assert.throws(() => exposedPorts('80/icmp'), { message: 'Invalid proto: icmp' });
  assert.throws(() => exposedPorts('x:80'), { message: 'Invalid hostPort: x' });
  assert.throws(() => exposedPorts('80:x:90'), { message: 'Invalid ip address: 80' });
  assert.throws(() => exposedPorts('::1:80:80'), { message: 'Invalid ip address ::1: address ::1:: too many colons in address' });
  assert.throws(() => exposedPorts('70000'), { code: 'expose.invalid' });
  assert.throws(() => exposedPorts('9-8'), { code: 'expose.invalid' });
});
