// HTTP/2 connections over any stream: a socket that was upgraded, or bytes within the messages of another connection.
import { type ClientHttp2Session, connect, performServerHandshake, type ServerHttp2Session, type Settings } from 'node:http2';
import type { Duplex } from 'node:stream';

/** Contexts and archives come through: with the usual 64 KiB, every piece would wait for an answer. */
const WINDOW = 4 << 20;
const SETTINGS: Settings = { initialWindowSize: WINDOW, maxConcurrentStreams: 1000, enablePush: false };

export function serverOn(stream: Duplex): ServerHttp2Session {
  // a client that has gone without a word; no half of a connection of HTTP/2 is of use
  stream.once('end', () => stream.destroy());
  const session = performServerHandshake(stream, { settings: { initialWindowSize: WINDOW, maxConcurrentStreams: 1000 } });
  session.setLocalWindowSize(WINDOW * 4);
  return session;
}

export function clientOn(stream: Duplex): ClientHttp2Session {
  const session = connect('http://localhost', { createConnection: () => stream, settings: SETTINGS });
  session.on('connect', () => session.setLocalWindowSize(WINDOW * 4));
  return session;
}
