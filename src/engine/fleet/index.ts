// Builders elsewhere.
export { expanded, parseAddress } from './address.ts';
export { type Connection, openBuilder } from './dial.ts';
export { remoteBuilders } from './parts.ts';
