// Networks of containers and build steps: netavark, addresses, published ports, and the files that tell a container of them.
export type * from './types.ts';
