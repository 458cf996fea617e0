// `commit`: an image of what a container is now, with its settings and its files. Volumes are no part of it.
import { applyChanges, commitLayer, type Image } from '../image/index.ts';
import { type ContainerConfig, type ImageConfig, parseReference, SlipwayError } from '../model/index.ts';
import { throwAfter } from '../util/index.ts';
import { copyOfChanges } from './changes.ts';
import type { ContainerManager } from './manager.ts';
import { pause, unpause } from './pausing.ts';
import { isAlive } from './transitions.ts';
import type { Container } from './types.ts';

export interface CommitOptions {
  readonly name?: string;
  readonly author?: string;
  readonly message?: string;
  /** Instructions of a Dockerfile: `CMD ["sh"]`. */
  readonly changes: readonly string[];
  /** Its processes stand still meanwhile, so that its files fit together. */
  readonly pause: boolean;
}

/** @throws SlipwayError `change.invalid`, `container.no-image`, what `parseReference` says of the name */
export async function commitContainer(manager: ContainerManager, container: Container, o: CommitOptions): Promise<Image> {
  const { images, leases, now } = manager.parts;
  if (o.name !== undefined) parseReference(o.name);
  const c = await manager.started(container);
  using lease = leases.create();
  const base = images.hold(c.imageId, lease);
  if (base === undefined)
    throw new SlipwayError('not-found', 'container.no-image', `the image that container ${c.name} was made from has been removed`);
  const config = applyChanges(settingsOf(c, base.config.config ?? {}), o.changes);
  const stop = o.pause && isAlive(c) && c.state.paused !== true && (await manager.runtime()).cgroups;
  if (stop) await pause(manager, c);
  let copy: ReturnType<typeof copyOfChanges>;
  try {
    copy = copyOfChanges(manager, c, lease);
  } finally {
    if (stop && isAlive(c)) await unpause(manager, c);
  }
  let layer: ReturnType<typeof commitLayer>;
  try {
    layer = commitLayer(manager.parts.snapshots, copy, base.config.rootfs.diff_ids, lease);
  } catch (error) {
    throwAfter(error, () => manager.parts.snapshots.remove(copy.id));
  }
  const created = new Date(now()).toISOString();
  const image: ImageConfig = {
    ...base.config,
    created,
    ...(o.author !== undefined && { author: o.author }),
    config,
    history: [
      ...(base.config.history ?? []),
      {
        created,
        ...(o.author !== undefined && { author: o.author }),
        created_by: [...c.process.entrypoint, ...c.process.cmd].join(' '),
        ...(o.message !== undefined && { comment: o.message }),
        ...(layer === undefined && { empty_layer: true }),
      },
    ],
    rootfs: { type: 'layers', diff_ids: [...base.config.rootfs.diff_ids, ...(layer === undefined ? [] : [layer.diffId])] },
  };
  const made = images.create(
    { config: image, layers: layer === undefined ? [] : [layer], parentId: base.id, ...(o.name !== undefined && { names: [o.name] }) },
    lease,
  );
  manager.records.note(c, 'commit', { comment: o.message ?? '', imageID: made.id, imageRef: o.name ?? '' });
  return made;
}

/** The image's settings, and over them those that the container was made with. */
function settingsOf(c: Container, image: ContainerConfig): ContainerConfig {
  const { entrypoint, cmd, env, workdir, user, stopSignal } = c.process;
  const { Entrypoint: _entrypoint, Cmd: _cmd, ...rest } = image;
  return {
    ...rest,
    ...(entrypoint.length > 0 && { Entrypoint: [...entrypoint] }),
    ...(cmd.length > 0 && { Cmd: [...cmd] }),
    Env: [...env],
    WorkingDir: c.request.workdir === undefined ? (image.WorkingDir ?? '') : workdir,
    User: user,
    Labels: { ...c.labels },
    ...(c.exposed.length > 0 && { ExposedPorts: Object.fromEntries(c.exposed.map((port) => [port, {}])) }),
    ...(c.request.stopSignal !== undefined && { StopSignal: stopSignal }),
  };
}
