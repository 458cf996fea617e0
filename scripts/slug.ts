// The anchor of a heading, as GitHub makes it; the site makes the same, so that a link works in both.

/** Later headings of the same text get `-1`, `-2` … */
export const slugOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
