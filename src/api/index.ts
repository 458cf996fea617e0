// Docker's Engine API over HTTP: an adapter between its clients and the engine.
export type { Authorize } from './http/authorize.ts';
export { activatedHosts, type Host, hostText, parseHost } from './http/hosts.ts';
export type { Tls } from './http/listen.ts';
export { serveApi, type ServeOptions } from './serve.ts';
