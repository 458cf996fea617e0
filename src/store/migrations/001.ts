// Everything that a store remembers beside its files. Times are whole milliseconds since the epoch, sizes are bytes.
import type { Migration } from './migration.ts';

export const migration001: Migration = {
  version: 1,
  sql: `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- Blobs that are whole and verified; the bytes are files.
CREATE TABLE blobs (
  digest TEXT PRIMARY KEY,
  size INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who holds what while nothing permanent refers to it yet. owner is the identity of a process.
CREATE TABLE leases (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE lease_refs (
  lease_id TEXT NOT NULL REFERENCES leases(id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('blob', 'snapshot', 'image')),
  key TEXT NOT NULL,
  PRIMARY KEY (lease_id, kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX lease_refs_key ON lease_refs(kind, key);

CREATE TABLE snapshots (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  parent_id INTEGER REFERENCES snapshots(id),
  state TEXT NOT NULL CHECK (state IN ('active', 'committed')),
  chain_id TEXT UNIQUE,
  diff_id TEXT,
  size INTEGER,
  files INTEGER,
  created_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL,
  layer_blob TEXT
) STRICT;
CREATE INDEX snapshots_parent ON snapshots(parent_id);
CREATE INDEX snapshots_diff ON snapshots(diff_id);

-- How to get the bytes of a layer: a blob as it came, or the committed snapshot with this diff ID.
CREATE TABLE layers (
  diff_id TEXT PRIMARY KEY,
  blob_digest TEXT,
  media_type TEXT,
  size INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX layers_blob ON layers(blob_digest);

CREATE TABLE images (
  id TEXT PRIMARY KEY,
  manifest_digest TEXT,
  manifest_media_type TEXT,
  parent_id TEXT,
  created_at INTEGER NOT NULL,
  size INTEGER NOT NULL,
  stored_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX images_parent ON images(parent_id);
CREATE TABLE image_layers (
  image_id TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  diff_id TEXT NOT NULL,
  chain_id TEXT NOT NULL,
  PRIMARY KEY (image_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX image_layers_chain ON image_layers(chain_id);
CREATE INDEX image_layers_diff ON image_layers(diff_id);
CREATE TABLE image_names (
  name TEXT PRIMARY KEY,
  image_id TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX image_names_image ON image_names(image_id);
CREATE TABLE image_digests (
  name TEXT NOT NULL,
  digest TEXT NOT NULL,
  image_id TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
  PRIMARY KEY (name, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX image_digests_image ON image_digests(image_id);

CREATE TABLE cache_records (
  key TEXT PRIMARY KEY,
  result_json TEXT NOT NULL,
  snapshot_id INTEGER,
  description TEXT,
  created_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL,
  uses INTEGER NOT NULL DEFAULT 0,
  size INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX cache_records_snapshot ON cache_records(snapshot_id);
CREATE TABLE cache_mounts (
  id TEXT PRIMARY KEY,
  snapshot_id INTEGER,
  directory TEXT,
  created_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE builds (
  ref TEXT PRIMARY KEY,
  name TEXT,
  json TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  finished_at INTEGER,
  status TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE containers (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  json TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  state TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX containers_state ON containers(state);

CREATE TABLE networks (
  name TEXT PRIMARY KEY,
  json TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE network_leases (
  ip TEXT PRIMARY KEY,
  network TEXT NOT NULL,
  container TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX network_leases_container ON network_leases(container);

CREATE TABLE volumes (
  name TEXT PRIMARY KEY,
  json TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  anonymous INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
`,
};
