// What a client speaks on a new connection: HTTP/1, or HTTP/2 from the first byte, as gRPC's clients do (RFC 9113, section 3.3).
import type { Socket } from 'node:net';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n');
/** ms until a client has said something. */
const PATIENCE = 30_000;

/** Looks at the first bytes, leaves them in the connection, and calls one of the two. */
export function speakers(socket: Socket, o: { http1(): void; http2(): void }): void {
  const seen: Buffer[] = [];
  const late = setTimeout(() => socket.destroy(), PATIENCE);
  const decide = (speak: () => void): void => {
    clearTimeout(late);
    socket.off('readable', look).off('end', gone).off('error', gone).off('close', gone);
    if (seen.length > 0) socket.unshift(Buffer.concat(seen));
    speak();
  };
  const look = (): void => {
    for (let chunk: Buffer | null; (chunk = socket.read() as Buffer | null) !== null;) seen.push(chunk);
    const bytes = Buffer.concat(seen);
    const n = Math.min(bytes.length, PREFACE.length);
    if (!bytes.subarray(0, n).equals(PREFACE.subarray(0, n))) decide(o.http1);
    else if (n === PREFACE.length) decide(o.http2);
  };
  const gone = (): void => {
    clearTimeout(late);
    socket.destroy();
  };
  socket.on('readable', look).on('end', gone).on('error', gone).on('close', gone);
}
