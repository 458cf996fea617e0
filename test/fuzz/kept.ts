// Inputs that once failed: the target, and the input in base64.
export const KEPT: readonly (readonly [target: string, input: string])[] = [];
