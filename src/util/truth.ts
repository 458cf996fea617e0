// Values that are true or false, as Docker reads them in filters.

/** `1`, `t`, `true`, `0`, `f` or `false`, in whatever case; undefined for everything else. */
export function parseTruth(text: string): boolean | undefined {
  if (/^(?:1|t|true)$/i.test(text)) return true;
  return /^(?:0|f|false)$/i.test(text) ? false : undefined;
}
