// What stands behind EXPOSE: `[[host:]hostPort:]port[-port][/protocol]`, of which only the container's side counts. Both engines read the
// same, in words of their own; the original one passes over what stands behind a second `-` or `/`. Pure.
import { SlipwayError } from '../../model/index.ts';
import { quote } from '../chars.ts';

/** Whose words errors have. */
export type EngineWords = 'graph' | 'classic';

interface Words {
  readonly noPort: string;
  readonly protocol: string;
  readonly range: (side: 'container' | 'host', text: string) => string;
  readonly sizes: string;
}

const bad = (message: string): SlipwayError => new SlipwayError('invalid-argument', 'expose.invalid', message);

/** The ports of one word, as keys of a configuration: `80/tcp`. @throws SlipwayError `expose.invalid` */
export function exposedPorts(word: string, engine: EngineWords): string[] {
  const graph = engine === 'graph';
  const cut = graph && word.includes('/') ? word.indexOf('/') : undefined;
  const [plain = '', written = ''] = cut === undefined ? word.split('/') : [word.slice(0, cut), word.slice(cut + 1)];
  const parts = plain.split(':');
  const container = parts.pop() ?? '';
  const host = parts.pop() ?? '';
  const address = parts.join(':');
  const says = wordsOf(graph, word, container, host, written);
  const protocol = written.toLowerCase() || 'tcp';
  if (container === '') throw bad(says.noPort);
  if (!['tcp', 'udp', 'sctp'].includes(protocol)) throw bad(says.protocol);
  checkAddress(address, graph);
  const inside = range(container, graph);
  if (inside === undefined) throw bad(says.range('container', container));
  const outside = host === '' ? inside : range(host, graph);
  if (outside === undefined) throw bad(says.range('host', host));
  const size = inside.last - inside.first;
  // one port of the container may have any of a range of the host
  if (size > 0 && outside.last - outside.first !== size) throw bad(says.sizes);
  return Array.from({ length: size + 1 }, (_, i) => `${inside.first + i}/${protocol}`);
}

function wordsOf(graph: boolean, word: string, container: string, host: string, protocol: string): Words {
  const sizes = `nvalid ranges specified for container and host Ports: ${container} and ${host}`;
  return graph
    ? {
        noPort: `invalid port: ${quote(word)}: no port specified`,
        protocol: `invalid port: ${quote(word)}: invalid proto: ${protocol}`,
        range: (side, text) => `invalid ${side}Port: ${text}`,
        sizes: `i${sizes}`,
      }
    : {
        noPort: `No port specified: ${word}<empty>`,
        protocol: `Invalid proto: ${protocol}`,
        range: (side, text) => `Invalid ${side}Port: ${text}`,
        sizes: `I${sizes}`,
      };
}

function checkAddress(text: string, graph: boolean): void {
  if (text === '') return;
  const plain = text.replace(/^\[(.*)\]$/, '$1');
  if (!graph && plain === text && text.includes(':')) throw bad(`Invalid ip address ${text}: address ${text}:: too many colons in address`);
  if (!isAddress(plain)) throw bad(graph ? `invalid IP address: ${plain}` : `Invalid ip address: ${plain}`);
}

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** IPv4 or IPv6, without the help of Node: the language is a library for other places too. */
const isAddress = (text: string): boolean => IPV4.test(text) || (/^[\da-f:.]+$/i.test(text) && URL.canParse(`http://[${text}]/`));

/** `strict`: of two numbers at most. */
function range(text: string, strict: boolean): { first: number; last: number } | undefined {
  const [from = '', to = from, ...more] = text.split('-');
  const [first, last] = [Number(from), Number(to)];
  if (!/^\d+$/.test(from) || !/^\d+$/.test(to) || first > 65535 || last > 65535 || last < first) return undefined;
  return strict && more.length > 0 ? undefined : { first, last };
}
