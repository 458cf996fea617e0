// Keeps more memory than an input may need in buffers outside the heap, after it is done.
import type { Target } from '../target.ts';

const kept: Buffer[] = [];

export const target: Target = { make: () => '', attempt: () => void kept.push(Buffer.alloc(300 << 20)) };
