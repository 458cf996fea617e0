// One request, and what answers it.
import type { IncomingMessage } from 'node:http';
import type { Api } from '../api.ts';
import { jsonBody, optionalJsonBody } from './body.ts';
import type { Fields } from './fields.ts';
import type { Query } from './query.ts';
import type { Reply } from './reply.ts';

/** What a connection can be turned into: bytes as they are, HTTP/2, or messages. */
export type Upgrade = 'tcp' | 'h2c' | 'websocket';

export type Handler = (call: Call) => Promise<void>;

export class Call {
  readonly api: Api;
  readonly request: IncomingMessage;
  readonly reply: Reply;
  /** Of `1.MINOR`, the version that the client speaks. */
  readonly minor: number;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  /** Aborted when the client has gone, or the server ends. */
  readonly signal: AbortSignal;

  constructor(o: Pick<Call, 'api' | 'request' | 'reply' | 'minor' | 'params' | 'query' | 'signal'>) {
    this.api = o.api;
    this.request = o.request;
    this.reply = o.reply;
    this.minor = o.minor;
    this.params = o.params;
    this.query = o.query;
    this.signal = o.signal;
  }

  /** A part of the path: empty when the route has none of this name. */
  param(name: string): string {
    return this.params[name] ?? '';
  }

  /** Of what follows something for ever: also aborted as soon as the server is to stop. */
  get following(): AbortSignal {
    return AbortSignal.any([this.signal, this.api.stopping]);
  }

  /** @throws SlipwayError `api.json` */
  json(): Promise<Fields> {
    return jsonBody(this.request);
  }

  /** As `json`; undefined without a body. */
  optionalJson(): Promise<Fields | undefined> {
    return optionalJsonBody(this.request);
  }
}
