// Notes over HTTP: GET / lists them, POST / takes one, DELETE /ID removes it.
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { argv } from 'node:process';
import { pathToFileURL } from 'node:url';
import { Notes } from './notes.js';

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > 10_000) throw new RangeError('too long');
  }
  return text;
}

export function serve(notes: Notes): Server {
  return createServer((request, response) => {
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
    };
    const id = /^\/(\d+)$/.exec(request.url ?? '')?.[1];
    if (request.method === 'GET' && request.url === '/') return answer(200, notes.all());
    if (request.method === 'DELETE' && id !== undefined) return answer(notes.remove(Number(id)) ? 200 : 404, {});
    if (request.method !== 'POST' || request.url !== '/') return answer(404, { error: 'GET /, POST / and DELETE /ID' });
    bodyOf(request).then(
      (text) => {
        try {
          answer(201, notes.add(text));
        } catch (e) {
          answer(400, { error: e instanceof Error ? e.message : String(e) });
        }
      },
      () => answer(413, { error: 'too long' }),
    );
  });
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) {
  const server = serve(new Notes()).listen(Number(process.env['PORT'] ?? 8080));
  // the first process of a container gets no default action for signals
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => server.close(() => process.exit(0)));
}
