// The values of flags of `run` and its kin: from text to what a request holds, refused in the words of Docker's client.
import { isIP } from 'node:net';
import { SlipwayError } from '../model/index.ts';
import { invalidValue } from './args.ts';
import { addHost } from './build/values.ts';

/** Docker ends with 125 for what is wrong with a flag. */
export const wrongFlag = (message: string, hints: readonly string[] = []): SlipwayError =>
  new SlipwayError('invalid-argument', 'cli.flag', message, { exitCode: 125, hints });

/** `--cpus 1.5` in thousand-millionths of a CPU. */
export function nanoCpus(text: string): number {
  if (!/^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(text) && !/^[-+]?\d+\/\d+$/.test(text))
    throw wrongFlag(invalidValue('--cpus', text, `failed to parse ${text} as a rational number`));
  const [above = '', below = '1'] = text.split('/');
  const value = (Number(above) / Number(below)) * 1e9;
  if (!Number.isFinite(value)) throw wrongFlag(invalidValue('--cpus', text, `failed to parse ${text} as a rational number`));
  if (!Number.isInteger(Math.round(value * 1e3) / 1e3)) throw wrongFlag(invalidValue('--cpus', text, 'value is too precise'));
  return Math.round(value);
}

/** `key=value`; `key` alone has an empty value. `flag` as help shows it. */
export function containerLabels(values: readonly string[], flag = '-l, --label'): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const value of values) {
    const [key = '', text = ''] = value.split(/=(.*)/s);
    if (key.trim() === '') throw wrongFlag(invalidValue(flag, value, `invalid label '${value}': empty name`));
    if (/\s/.test(key)) throw wrongFlag(invalidValue(flag, value, `label '${key}' contains whitespaces`));
    labels[key] = text;
  }
  return labels;
}

/** `name:ip`, `name=ip` or `name:host-gateway`, as `name:ip`. */
export function extraHost(text: string): string {
  const at = text.search(/[:=]/);
  if (at <= 0) throw wrongFlag(invalidValue('--add-host', text, `bad format for add-host: ${JSON.stringify(text)}`));
  const address = text.slice(at + 1);
  if (address !== 'host-gateway' && isIP(address.replace(/^\[(.*)\]$/, '$1')) === 0)
    throw wrongFlag(invalidValue('--add-host', text, `invalid IP address in add-host: ${JSON.stringify(address)}`));
  return addHost(text);
}

/** A name server's address. */
export function nameServer(text: string): string {
  if (isIP(text.trim()) === 0) throw wrongFlag(invalidValue('--dns', text, `IP address is not correctly formatted: ${text}`));
  return text.trim();
}

/** `80`, `80/udp`, `8000-8010`. */
export function exposed(text: string): string {
  if (text.includes(':')) throw wrongFlag(`invalid port format for --expose: ${text}`);
  const refuse = (why: string): SlipwayError => wrongFlag(`invalid range format for --expose: ${text}, error: ${why}`);
  const [range = ''] = text.split('/');
  if (range === '') throw refuse('empty string specified for ports');
  const ports = range.split(/-(.*)/s).slice(0, 2);
  for (const port of ports) {
    const parse = `strconv.ParseUint: parsing ${JSON.stringify(port)}`;
    if (!/^\d+$/.test(port)) throw refuse(`${parse}: invalid syntax`);
    if (Number(port) > 65535) throw refuse(`${parse}: value out of range`);
  }
  if (ports.length === 2 && Number(ports[1]) < Number(ports[0])) throw refuse(`invalid range specified for port: ${range}`);
  return text;
}
