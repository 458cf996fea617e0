// Merges what the image says with what the request says into what a container is. Pure.
import { type ContainerConfig, SlipwayError } from '../model/index.ts';
import { parseExposed } from '../network/index.ts';
import type { ContainerRequest, ProcessSettings } from './types.ts';

/** Docker's rules: an entrypoint given on the command line clears the image's command; arguments replace the command. */
export function processSettings(config: ContainerConfig, request: ContainerRequest): ProcessSettings {
  const entrypoint = request.entrypoint ?? config.Entrypoint ?? [];
  const inherited = request.entrypoint === undefined ? (config.Cmd ?? []) : [];
  const cmd = request.args.length > 0 ? request.args : inherited;
  if (entrypoint.length + cmd.length === 0) {
    throw new SlipwayError('invalid-argument', 'container.no-command', 'no command specified', {
      exitCode: 125,
      hints: [`the image names no program to run: \`slipway run ${request.image} PROGRAM\``],
    });
  }
  return {
    entrypoint,
    cmd,
    env: withImageEnv(config.Env ?? [], request.env),
    workdir: request.workdir ?? config.WorkingDir ?? '',
    user: request.user ?? config.User ?? '',
    stopSignal: request.stopSignal ?? config.StopSignal ?? 'SIGTERM',
    stopTimeout: request.stopTimeout ?? config.StopTimeout ?? 10,
  };
}

/** Lists of `NAME=value` where later ones replace earlier ones in place; `NAME` alone takes the variable away. */
export function mergeEnv(...lists: readonly (readonly string[])[]): string[] {
  const out = new Map<string, string>();
  for (const entry of lists.flat()) {
    const eq = entry.indexOf('=');
    if (eq < 0) out.delete(entry);
    else out.set(entry.slice(0, eq), entry);
  }
  return [...out.values()];
}

/** As Docker records it: what was asked for, then what the image has besides. */
function withImageEnv(image: readonly string[], asked: readonly string[]): string[] {
  const nameOf = (entry: string): string => entry.split('=', 1)[0] ?? '';
  const named = new Set(asked.map(nameOf));
  return [...mergeEnv(asked), ...image.filter((entry) => !named.has(nameOf(entry)))];
}

/** What a container exposes: the image's ports, those of `--expose`, and the published ones. */
export function exposedPorts(config: ContainerConfig, request: ContainerRequest): string[] {
  const published = request.ports.map((p) => `${p.containerPort}/${p.protocol}`);
  const declared = [...Object.keys(config.ExposedPorts ?? {}), ...request.expose].flatMap((spec) =>
    parseExposed(spec).map((p) => `${p.port}/${p.protocol}`),
  );
  return [...new Set([...declared, ...published])].sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1));
}
