// The flags that each instruction takes. Its parser reads them here, and the language reference is compared with them.
import { FLAG_FEATURES } from '../features.ts';
import type { FlagType } from '../flags.ts';
import type { InstructionKind } from './types.ts';

type Declared = Readonly<Record<string, FlagType>>;

const PLACED = { chown: 'string', chmod: 'string', link: 'boolean', exclude: 'strings' } as const;

/** Those of instructions that have any. What `# slipway:features=…` allows stands among them; see `allowedRunFlags`. */
export const INSTRUCTION_FLAGS = {
  FROM: { platform: 'string' },
  RUN: {
    mount: 'strings',
    network: 'string',
    security: 'string',
    device: 'strings',
    'no-cache': 'boolean',
    retry: 'string',
    memory: 'string',
    cpus: 'string',
  },
  COPY: { ...PLACED, from: 'string', parents: 'boolean' },
  ADD: { ...PLACED, checksum: 'string', 'keep-git-dir': 'boolean', unpack: 'boolean' },
  HEALTHCHECK: {
    interval: 'string',
    timeout: 'string',
    'start-period': 'string',
    'start-interval': 'string',
    retries: 'string',
  },
} as const satisfies Partial<Record<InstructionKind, Declared>>;

/** The flags of RUN in a file that asks for `features`: those of the language, and what it asks for. */
export function allowedRunFlags(features: ReadonlySet<string>): Declared {
  const allowed = Object.entries(INSTRUCTION_FLAGS.RUN).filter(([name]) => {
    const feature = Object.hasOwn(FLAG_FEATURES, name) ? FLAG_FEATURES[name] : undefined;
    return feature === undefined || features.has(feature);
  });
  return Object.fromEntries(allowed);
}
