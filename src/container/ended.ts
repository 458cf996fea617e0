// Containers that ran before they were recorded: those of a build by the original engine, kept so that people can look into them.
import { mkdirSync } from 'node:fs';
import type { Image } from '../image/index.ts';
import { familiarReference, parseReference } from '../model/index.ts';
import { LogWriter } from '../runtime/index.ts';
import type { Database, Layout } from '../store/index.ts';
import { logFile, stateFolder } from './folders.ts';
import { ContainerRecords } from './records.ts';
import type { Container, ContainerRequest } from './types.ts';

export interface EndedContainer {
  readonly id: string;
  readonly image: Image;
  /** Active, and held until it is recorded. */
  readonly snapshotId: number;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly workdir: string;
  readonly user: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly network: string;
  /** undefined: it was made and never ran. */
  readonly exitCode: number | undefined;
  /** ms since the epoch. */
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly output: readonly { readonly stream: 'stdout' | 'stderr'; readonly data: Uint8Array }[];
}

export function recordEnded(db: Database, layout: Layout, e: EndedContainer): Container {
  const request: ContainerRequest = {
    image: e.image.id,
    args: e.args,
    env: e.env,
    tty: false,
    openStdin: false,
    labels: e.labels,
    ports: [],
    publishAll: false,
    expose: [],
    volumes: [],
    tmpfs: [],
    network: e.network,
    addHosts: [],
    dns: [],
    autoRemove: false,
    readonlyRootfs: false,
    privileged: false,
    capAdd: [],
    capDrop: [],
    ulimits: [],
  };
  const ran = e.exitCode !== undefined;
  const container = new ContainerRecords(db).insert(
    {
      id: e.id,
      imageId: e.image.id,
      imageName: e.image.names[0] === undefined ? e.image.id.slice(7, 19) : familiarReference(parseReference(e.image.names[0])),
      createdAt: e.startedAt,
      snapshotId: e.snapshotId,
      request,
      process: { entrypoint: [], cmd: e.args, env: e.env, workdir: e.workdir, user: e.user, stopSignal: 'SIGTERM', stopTimeout: 10 },
      labels: e.labels,
      hostname: e.id.slice(0, 12),
      exposed: [],
      mounts: [],
      state: {
        status: ran ? 'exited' : 'created',
        pid: 0,
        exitCode: e.exitCode ?? 0,
        error: '',
        ...(ran && { startedAt: e.startedAt, finishedAt: e.finishedAt }),
      },
    },
    undefined,
    () => {},
  );
  if (e.output.length > 0) {
    mkdirSync(stateFolder(layout, e.id), { recursive: true, mode: 0o700 });
    const log = new LogWriter(logFile(layout, e.id));
    for (const { stream, data } of e.output) log.write(stream, Buffer.from(data));
    log.close();
  }
  return container;
}
