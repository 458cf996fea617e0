// What the Dockerfiles of several languages have in common.
import type { Block } from './types.ts';

/** The port in production: a low one, which a user without rights may take in a container (net.ipv4.ip_unprivileged_port_start is 0 there). */
export const PORT = 80;
/** Of nobody: a number needs no /etc/passwd, and whoever runs the image can see that it is not root. */
const NOBODY = '65532:65532';

/** A small program that asks over HTTP, for images that have none. */
export const TOOLS: Block = {
  why: 'One static program, to ask for the health of a container that has no shell.',
  lines: ['FROM busybox:1.35-musl AS tools'],
};

/** For a final stage that has copied it. */
export const COPY_WGET = 'COPY --from=tools /bin/busybox /bin/wget';
export const HEALTH_BY_WGET = health(['/bin/wget', '-q', '-O', '/dev/null', `http://127.0.0.1:${PORT}/`]);

/** @param command run in the container; anything but exit code 0 means that it does not work */
export function health(command: readonly string[]): string {
  return `HEALTHCHECK --interval=30s --timeout=3s CMD ${list(command)}`;
}

/** `["a", "b"]`, as CMD, ENTRYPOINT and COPY take it. */
export function list(words: readonly string[]): string {
  return `[${words.map((w) => JSON.stringify(w)).join(', ')}]`;
}

/** The last of a final stage: nobody's program on a low port, with a health check. */
export function served(healthcheck: string, o: { entrypoint?: readonly string[]; command?: readonly string[]; user?: string }): Block {
  return {
    why: 'Not root; the low port is free to everybody in a container. Change it where the program listens elsewhere.',
    lines: [
      `USER ${o.user ?? NOBODY}`,
      `ENV PORT=${PORT}`,
      `EXPOSE ${PORT}`,
      healthcheck,
      ...(o.entrypoint ? [`ENTRYPOINT ${list(o.entrypoint)}`] : []),
      ...(o.command ? [`CMD ${list(o.command)}`] : []),
    ],
  };
}

/** A name that can stand in a Dockerfile without quotes, or the other one. */
export const plainName = (name: string | undefined, otherwise: string): string =>
  name !== undefined && /^[\w][\w.+-]*$/.test(name) ? name : otherwise;
