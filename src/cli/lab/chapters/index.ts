// All chapters, in the order in which they are learnt.
import type { Chapter } from '../chapter.ts';
import { cache } from './cache.ts';
import { cleanUp } from './clean-up.ts';
import { goApplication } from './go-application.ts';
import { graphEngine } from './graph-engine.ts';
import { originalEngine } from './original-engine.ts';
import { reading } from './reading.ts';
import { runIt } from './run-it.ts';
import { shipIt } from './ship-it.ts';
import { targets } from './targets.ts';
import { testsThatGate } from './tests-that-gate.ts';

export const CHAPTERS: readonly Chapter[] = [
  reading,
  originalEngine,
  graphEngine,
  targets,
  goApplication,
  runIt,
  cache,
  shipIt,
  testsThatGate,
  cleanUp,
];
