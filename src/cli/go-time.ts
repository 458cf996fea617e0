// Times as Docker's lists print them: Go's `time.Time.String` of whole seconds, `2026-11-25 18:17:06 +0000 UTC`.

/** @param ms since the epoch */
export function goTime(ms: number): string {
  const at = new Date(ms);
  const east = -at.getTimezoneOffset();
  const local = new Date(ms + east * 60_000).toISOString();
  const two = (n: number): string => String(n).padStart(2, '0');
  const offset = `${east < 0 ? '-' : '+'}${two(Math.floor(Math.abs(east) / 60))}${two(Math.abs(east) % 60)}`;
  return `${local.slice(0, 10)} ${local.slice(11, 19)} ${offset} ${zoneName(at, east, offset)}`;
}

/** `CET`, `EST`; a zone without an abbreviation is called by its offset. */
function zoneName(at: Date, east: number, offset: string): string {
  // Intl takes milliseconds to load
  if (east === 0 && (process.env['TZ'] ?? 'UTC') === 'UTC') return 'UTC';
  for (const language of ['en-US', 'en-GB']) {
    const name = new Intl.DateTimeFormat(language, { timeZoneName: 'short' })
      .formatToParts(at)
      .find((part) => part.type === 'timeZoneName')?.value;
    if (name !== undefined && (!name.startsWith('GMT') || name === 'GMT')) return name;
  }
  return offset.endsWith('00') ? offset.slice(0, 3) : offset;
}
