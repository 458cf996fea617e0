// The body of a request as JSON, of bounded size.
import type { IncomingMessage } from 'node:http';
import { SlipwayError } from '../../model/index.ts';
import { Fields } from './fields.ts';

/** Bytes. The largest honest ones hold labels and environments. */
const LARGEST = 4 << 20;

/** @throws SlipwayError `api.json`, `api.body-too-large`, in dockerd's words where it has some */
export async function jsonBody(request: IncomingMessage): Promise<Fields> {
  checkType(request);
  const text = await bodyText(request);
  if (text.trim() === '') throw invalid('invalid JSON: got EOF while reading request body');
  return Fields.of(parsed(text));
}

/** As `jsonBody`; undefined where there is no body. */
export async function optionalJsonBody(request: IncomingMessage): Promise<Fields | undefined> {
  const text = await bodyText(request);
  if (text.trim() === '') return undefined;
  checkType(request);
  const value = parsed(text);
  return value === null ? undefined : Fields.of(value);
}

function checkType({ headers }: IncomingMessage): void {
  const type = headers['content-type'] ?? '';
  const media = type.split(';')[0]?.trim().toLowerCase() ?? '';
  if (media === '') throw invalid(`malformed Content-Type header (${type}): mime: no media type`);
  if (media !== 'application/json') throw invalid(`unsupported Content-Type header (${type}): must be 'application/json'`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (e) {
    throw invalid(`invalid JSON: ${e instanceof Error ? e.message : String(e)}`);
  }
}

async function bodyText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    if ((size += chunk.length) > LARGEST)
      throw new SlipwayError('invalid-argument', 'api.body-too-large', `the body of a request has at most ${LARGEST} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const invalid = (message: string): SlipwayError => new SlipwayError('invalid-argument', 'api.json', message);
