// EXPOSE as the original engine reads it: `[[host:]hostPort:]port[-port][/protocol]`; only the container's side counts. What stands
// behind a second `-` or `/` is passed over.
import { isIP } from 'node:net';
import { SlipwayError } from '../../model/index.ts';

const bad = (message: string): SlipwayError => new SlipwayError('invalid-argument', 'expose.invalid', message);

/** The ports of one word, as keys of a configuration (`80/tcp`). */
export function exposedPorts(word: string): string[] {
  const before = word.split(':');
  const [container = '', written = ''] = before.pop()!.split('/');
  const protocol = written.toLowerCase() || 'tcp';
  const host = before.pop() ?? '';
  const address = before.join(':');
  if (container === '') throw bad(`No port specified: ${word}<empty>`);
  if (!['tcp', 'udp', 'sctp'].includes(protocol)) throw bad(`Invalid proto: ${written}`);
  checkAddress(address);
  const ports = range(container) ?? refuse(`Invalid containerPort: ${container}`);
  const outside = host === '' ? undefined : (range(host) ?? refuse(`Invalid hostPort: ${host}`));
  const size = ports.last - ports.first;
  // one port of the container may have any of a range of the host
  if (outside && outside.last - outside.first !== size && size > 0)
    throw bad(`Invalid ranges specified for container and host Ports: ${container} and ${host}`);
  return Array.from({ length: size + 1 }, (_, i) => `${ports.first + i}/${protocol}`);
}

function refuse(message: string): never {
  throw bad(message);
}

function checkAddress(text: string): void {
  if (text === '') return;
  const plain = text.replace(/^\[(.*)\]$/, '$1');
  if (plain === text && text.includes(':')) throw bad(`Invalid ip address ${text}: address ${text}:: too many colons in address`);
  if (isIP(plain) === 0) throw bad(`Invalid ip address: ${plain}`);
}

function range(text: string): { first: number; last: number } | undefined {
  const [from = '', to = from] = text.split('-');
  const [first, last] = [Number(from), Number(to)];
  if (!/^\d+$/.test(from) || !/^\d+$/.test(to) || first > 65535 || last > 65535 || last < first) return undefined;
  return { first, last };
}
