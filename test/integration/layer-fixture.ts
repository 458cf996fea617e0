// Layers that are applied to folders of their own, and what is in those afterwards.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { TarParser } from '../../src/archive/index.ts';
import { makeTar, type Member } from '../../src/archive/testing.ts';
import { isSlipwayError } from '../../src/model/index.ts';
import { LayerApplier, type Applied, type ApplyOptions } from '../../src/snapshot/layer/index.ts';

interface Room {
  /** The directory that is unpacked into. */
  readonly root: string;
  /** Beside it, with a file that nothing may touch. */
  readonly outside: string;
  apply(members: readonly Member[], options?: Partial<ApplyOptions>): Applied;
}

export function room(t: TestContext): Room {
  const dir = fs.mkdtempSync('/dev/shm/slipway-layer-');
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  const outside = path.join(dir, 'outside');
  const root = path.join(dir, 'root');
  fs.mkdirSync(outside);
  fs.mkdirSync(root);
  fs.writeFileSync(path.join(outside, 'secret'), 'secret', { mode: 0o600 });
  return {
    root,
    outside,
    apply(members, options = {}) {
      const applier = new LayerApplier(root, { overlay: true, ...options });
      try {
        const parser = new TarParser(applier);
        const tar = makeTar(members);
        for (let at = 0; at < tar.length; at += 1000) parser.write(tar.subarray(at, at + 1000));
        parser.finish();
        return applier.finish();
      } catch (error) {
        applier.abort();
        throw error;
      }
    },
  };
}

export function untouched(outside: string): void {
  assert.deepEqual(fs.readdirSync(outside), ['secret']);
  const stats = fs.statSync(path.join(outside, 'secret'));
  assert.deepEqual(
    [fs.readFileSync(path.join(outside, 'secret'), 'utf8'), stats.nlink, stats.mode & 0o7777, stats.uid],
    ['secret', 1, 0o600, 0],
  );
}

export const refused =
  (code: string) =>
  (error: unknown): boolean =>
    isSlipwayError(error) && error.code === code;
export const read = (...parts: string[]): string => fs.readFileSync(path.join(...parts), 'utf8');
