// EXPOSE as the graph engine reads it: `port[-port][/protocol]`, with an excerpt of the instruction in errors. Pure.
import { isIP } from 'node:net';
import { quote } from '../../dockerfile/index.ts';
import { type SourceExcerpt, SlipwayError } from '../../model/index.ts';

/** The ports of one word as keys of a configuration: `80/tcp`. @throws SlipwayError `build.expose`. */
export function exposedPorts(word: string, source: SourceExcerpt): string[] {
  const bad = (message: string): SlipwayError => new SlipwayError('invalid-argument', 'build.expose', message, { source });
  const slash = word.indexOf('/');
  const protocol = slash < 0 ? 'tcp' : word.slice(slash + 1) || 'tcp';
  const whole = slash < 0 ? word : word.slice(0, slash);
  const container = whole.slice(whole.lastIndexOf(':') + 1);
  if (container === '') throw bad(`invalid port: ${quote(word)}: no port specified`);
  if (!['tcp', 'udp', 'sctp'].includes(protocol.toLowerCase())) throw bad(`invalid port: ${quote(word)}: invalid proto: ${protocol}`);
  const before = whole.split(':').slice(0, -1);
  const host = before.pop() ?? '';
  const address = before.join(':').replace(/^\[(.*)\]$/, '$1');
  if (address !== '' && isIP(address) === 0) throw bad(`invalid IP address: ${address}`);
  const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(container) ?? [];
  const start = Number(from);
  const end = Number(to ?? from);
  if (from === undefined || start > 65535 || end > 65535 || end < start) throw bad(`invalid containerPort: ${container}`);
  if (host !== '') {
    const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(host) ?? [];
    const size = Number(last ?? first) - Number(first);
    if (first === undefined || Number(last ?? first) > 65535 || size < 0) throw bad(`invalid hostPort: ${host}`);
    // one port of the container may have any of a range of the host
    if (size !== end - start && end !== start) throw bad(`invalid ranges specified for container and host Ports: ${container} and ${host}`);
  }
  return Array.from({ length: end - start + 1 }, (_, n) => `${start + n}/${protocol.toLowerCase()}`);
}
