// EXPOSE as the original engine reads it: `[[host:]hostPort:]port[-port][/protocol]`; only the container's side counts.
import { SlipwayError } from '../../model/index.ts';

const bad = (message: string): SlipwayError => new SlipwayError('invalid-argument', 'expose.invalid', message);

/** The ports of one word, as keys of a configuration (`80/tcp`). */
export function exposedPorts(word: string): string[] {
  const slash = word.lastIndexOf('/');
  const protocol = slash < 0 ? 'tcp' : word.slice(slash + 1).toLowerCase() || 'tcp';
  const ports = slash < 0 ? word : word.slice(0, slash);
  const container = ports.slice(ports.lastIndexOf(':') + 1);
  if (container === '') throw bad(`No port specified: ${word}<empty>`);
  const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(container) ?? [];
  const start = Number(from);
  const end = Number(to ?? from);
  if (from === undefined || start > 65535 || end > 65535) throw bad(`Invalid containerPort: ${container}`);
  if (end < start) throw bad(`Invalid containerPort: ${container}`);
  if (!['tcp', 'udp', 'sctp'].includes(protocol)) throw bad(`Invalid proto: ${protocol}`);
  return Array.from({ length: end - start + 1 }, (_, i) => `${start + i}/${protocol}`);
}
