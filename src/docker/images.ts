// An image in Docker's JSON (ImageInspect).
import type { Engine, Image } from '../engine/index.ts';
import { type ContainerConfig, familiarReference, type HistoryEntry, parseReference } from '../model/index.ts';
import { graphDriver } from './containers.ts';

/** The fields of a configuration in the order of Docker, with what each is when it is not set: JSON leaves it out, templates see it. */
const UNSET = {
  User: '',
  ExposedPorts: null,
  Env: null,
  Entrypoint: null,
  Cmd: null,
  Volumes: null,
  WorkingDir: '',
  Labels: null,
  StopSignal: '',
  ArgsEscaped: false,
  Healthcheck: null,
  OnBuild: null,
  Shell: null,
};

export function shownConfig(config: ContainerConfig): Record<string, unknown> {
  const shown = {};
  for (const [name, unset] of Object.entries(UNSET)) {
    const value = config[name as keyof typeof UNSET] ?? unset;
    const isSet = typeof value === 'object' ? Object.keys(value ?? {}).length > 0 : Boolean(value);
    Object.defineProperty(shown, name, { value: isSet ? value : unset, enumerable: isSet });
  }
  return shown;
}

export function imageJson(engine: Engine, image: Image): Record<string, unknown> {
  const { config } = image;
  const top = image.layers.at(-1);
  const snapshot = top && engine.snapshots.byChain(top.chainId);
  const tagged = engine.images.taggedAt(image.id);
  return {
    Id: image.id,
    RepoTags: image.names.map((n) => familiarReference(parseReference(n))),
    RepoDigests: image.digests.map((n) => familiarReference(parseReference(n))),
    Parent: image.parentId ?? '',
    Comment: config.history?.at(-1)?.comment ?? '',
    Created: config.created ?? '',
    DockerVersion: config.docker_version ?? '',
    Author: config.author ?? '',
    Architecture: config.architecture,
    ...(config.variant !== undefined && { Variant: config.variant }),
    Os: config.os,
    Size: image.size,
    GraphDriver: {
      Name: graphDriver(engine.snapshots),
      Data: snapshot ? engine.snapshots.folders(snapshot.id) : null,
    },
    RootFS: { Type: 'layers', ...(image.layers.length > 0 && { Layers: image.layers.map((l) => l.diffId) }) },
    Metadata: { LastTagTime: tagged === undefined ? '0001-01-01T00:00:00Z' : new Date(tagged).toISOString() },
    Config: wholeConfig(config.config ?? {}),
  };
}

/** What the whole of an image shows although it is not set. */
const ALWAYS = { Cmd: null, Entrypoint: null, Env: null, Labels: null, OnBuild: null, User: '', Volumes: null, WorkingDir: '' };

/** The configuration as the API has it: sorted, some fields always. A template sees the fields of Docker's own type instead. */
const wholeConfig = (config: ContainerConfig): Record<string, unknown> =>
  Object.fromEntries(Object.entries({ ...ALWAYS, ...shownConfig(config) }).sort(([a], [b]) => (a < b ? -1 : 1)));

/** One line of an image's history, the newest first. */
export interface HistoryLine {
  /** Of the image that this step made, where there is one. */
  readonly id: string;
  readonly entry: HistoryEntry;
  /** Bytes. */
  readonly size: number;
}

export function historyOf(engine: Engine, image: Image): HistoryLine[] {
  const sizes = [...image.layers];
  // the images of the original engine's steps are the parents of this one
  const ids: string[] = [];
  for (let at: Image | undefined = image; at; at = at.parentId === undefined ? undefined : engine.images.find(at.parentId)) ids.push(at.id);
  return (image.config.history ?? [])
    .map((entry) => ({ entry, size: entry.empty_layer === true ? 0 : (sizes.shift()?.size ?? 0) }))
    .reverse()
    .map((line, n) => ({ ...line, id: ids[n] ?? '<missing>' }));
}
