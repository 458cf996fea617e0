// BuildKit's protocol on a connection that began as HTTP/1: buildx asks for it by `Upgrade: h2c`.
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import type { BuildKitService } from '../../buildkit/index.ts';
import { SlipwayError } from '../../model/index.ts';
import type { Call } from '../http/call.ts';
import { post, type Route } from '../http/routes.ts';

export function buildkitRoutes(buildkit: BuildKitService): Route[] {
  const whileOpen = async (call: Call, use: (stream: Duplex) => { once(event: 'close', fn: () => void): unknown }): Promise<void> => {
    if (call.request.headers.upgrade?.toLowerCase() !== 'h2c')
      throw new SlipwayError('invalid-argument', 'api.upgrade', 'this route is for connections that become HTTP/2: Upgrade: h2c');
    const stream = call.reply.hijack('').output as Duplex;
    await once(use(stream) as never, 'close', { signal: call.following }).catch(() => {});
  };
  return [
    post('/grpc', (call) => whileOpen(call, (stream) => buildkit.serve(stream)), ['h2c']),
    post(
      '/session',
      (call) => {
        const id = call.request.headers['x-docker-expose-session-uuid'];
        if (typeof id !== 'string' || id === '') throw new SlipwayError('invalid-argument', 'api.session', 'the session has no id');
        return whileOpen(call, (stream) => buildkit.attach(id, stream));
      },
      ['h2c'],
    ),
  ];
}
