// Needs more memory than an input may in buffers outside the heap, and does not end while it has it.
import type { Target } from '../target.ts';

export const target: Target = {
  make: () => '',
  attempt: () => {
    const kept = Buffer.alloc(300 << 20);
    while (kept[0] === 0);
  },
};
