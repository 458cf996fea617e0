// EXPOSE as the graph engine reads it: `port[-port][/protocol]`, with an excerpt of the instruction in errors. Pure.
import { type SourceExcerpt, SlipwayError } from '../../model/index.ts';

/** The ports of one word as keys of a configuration: `80/tcp`. @throws SlipwayError `build.expose`. */
export function exposedPorts(word: string, source: SourceExcerpt): string[] {
  const bad = (message: string): SlipwayError => new SlipwayError('invalid-argument', 'build.expose', message, { source });
  const slash = word.indexOf('/');
  const protocol = slash < 0 ? 'tcp' : word.slice(slash + 1).toLowerCase() || 'tcp';
  const whole = slash < 0 ? word : word.slice(0, slash);
  const container = whole.slice(whole.lastIndexOf(':') + 1);
  if (container === '') throw bad(`no port specified: ${word}<empty>`);
  const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(container) ?? [];
  const start = Number(from);
  const end = Number(to ?? from);
  if (from === undefined || start > 65535 || end > 65535 || end < start) throw bad(`invalid containerPort: ${container}`);
  if (!['tcp', 'udp', 'sctp'].includes(protocol)) throw bad(`invalid proto: ${protocol}`);
  return Array.from({ length: end - start + 1 }, (_, n) => `${start + n}/${protocol}`);
}
