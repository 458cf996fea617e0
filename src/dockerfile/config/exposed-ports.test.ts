import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exposedPorts } from './exposed-ports.ts';

test('only the side of the container counts', () => {
  assert.deepEqual(exposedPorts('80', 'classic'), ['80/tcp']);
  assert.deepEqual(exposedPorts('90/TCP', 'classic'), ['90/tcp']);
  assert.deepEqual(exposedPorts('8080:80', 'classic'), ['80/tcp']);
  assert.deepEqual(exposedPorts('127.0.0.1:9090:90/udp', 'classic'), ['90/udp']);
  assert.deepEqual(exposedPorts('3000-3001:4000-4001', 'classic'), ['4000/tcp', '4001/tcp']);
  assert.deepEqual(exposedPorts('9000-9001/udp', 'classic'), ['9000/udp', '9001/udp']);
});

test('what stands behind a second dash or slash is passed over, as in Docker', () => {
  assert.deepEqual(exposedPorts('1-2-x', 'classic'), ['1/tcp', '2/tcp']);
  assert.deepEqual(exposedPorts('80/tcp/udp', 'classic'), ['80/tcp']);
  assert.deepEqual(exposedPorts('90-95:80', 'classic'), ['80/tcp']);
  assert.deepEqual(exposedPorts('[::1]:80:80', 'classic'), ['80/tcp']);
});

test('what is no port is refused', () => {
  assert.throws(() => exposedPorts('http', 'classic'), { message: 'Invalid containerPort: http' });
  assert.throws(() => exposedPorts('80/icmp', 'classic'), { message: 'Invalid proto: icmp' });
  assert.throws(() => exposedPorts('x:80', 'classic'), { message: 'Invalid hostPort: x' });
  assert.throws(() => exposedPorts('80:x:90', 'classic'), { message: 'Invalid ip address: 80' });
  assert.throws(() => exposedPorts('::1:80:80', 'classic'), {
    message: 'Invalid ip address ::1: address ::1:: too many colons in address',
  });
  assert.throws(() => exposedPorts('70000', 'classic'), { code: 'expose.invalid' });
  assert.throws(() => exposedPorts('9-8', 'classic'), { code: 'expose.invalid' });
});

test('the graph engine reads the same, in its own words, and no more than a range', () => {
  const ports = (word: string): string[] => exposedPorts(word, 'graph');
  assert.deepEqual(ports('127.0.0.1:9090:90/UDP'), ['90/udp']);
  assert.deepEqual(ports('90-95:80'), ['80/tcp']);
  assert.throws(() => ports('1-2-x'), { message: 'invalid containerPort: 1-2-x' });
  assert.throws(() => ports('80/tcp/udp'), { message: 'invalid port: "80/tcp/udp": invalid proto: tcp/udp' });
  assert.throws(() => ports('x:80'), { message: 'invalid hostPort: x' });
  assert.throws(() => ports('1-2:3-5'), { message: 'invalid ranges specified for container and host Ports: 3-5 and 1-2' });
});

test('addresses are IPv4 or IPv6', () => {
  for (const good of ['0.0.0.0', '255.1.20.199', '[::]', '[2001:db8::1]', '[::ffff:1.2.3.4]'])
    assert.deepEqual(exposedPorts(`${good}:8080:80`, 'classic'), ['80/tcp'], good);
  for (const bad of ['1.2.3', '1.2.3.4.5', '256.1.1.1', '01.1.1.1', '1.2.3.4.', 'host', '[::g]', '[1::2::3]', '[fe80::1%eth0]'])
    assert.throws(() => exposedPorts(`${bad}:8080:80`, 'classic'), { message: /^Invalid ip address/ }, bad);
});
