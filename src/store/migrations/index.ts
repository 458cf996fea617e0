// The versions of the database, each with what leads from the one before to it. A migration that was released never changes.
import { migration001 } from './001.ts';
import { migration002 } from './002.ts';
import { migration003 } from './003.ts';
import { migration004 } from './004.ts';
import { migration005 } from './005.ts';
import { migration006 } from './006.ts';
import { migration007 } from './007.ts';
import type { Migration } from './migration.ts';

export type { Migration };

export const migrations: readonly Migration[] = [
  migration001,
  migration002,
  migration003,
  migration004,
  migration005,
  migration006,
  migration007,
];
