// Spans of time: Go's notation in and out, and Docker's rough words for people.

const NS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** '1h2m3.5s', '-1.5h', '0' → nanoseconds; undefined when it is no duration (Go's time.ParseDuration). */
export function parseDuration(s: string): number | undefined {
  const m = /^([+-]?)(.+)$/.exec(s);
  if (m === null) return undefined;
  const sign = m[1] === '-' ? -1 : 1;
  const body = m[2]!;
  if (body === '0') return 0;
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(body)) return undefined;
  let total = 0;
  for (const part of body.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) total += Number(part[1]) * NS[part[2]!]!;
  return sign * Math.round(total);
}

/** Nanoseconds → '1h2m3.5s', as Go prints them. */
export function durationText(ns: number): string {
  if (ns === 0) return '0s';
  const trim = (n: number): string => String(Number(n.toFixed(9)));
  if (ns < 1e3) return `${ns}ns`;
  if (ns < 1e6) return `${trim(ns / 1e3)}µs`;
  if (ns < 1e9) return `${trim(ns / 1e6)}ms`;
  const hours = Math.floor(ns / 3600e9);
  const minutes = Math.floor((ns % 3600e9) / 60e9);
  const seconds = trim((ns % 60e9) / 1e9);
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}s`;
}

/** 'Less than a second', 'About a minute', '2 hours', '3 weeks': the steps are Docker's. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.round(seconds / 3600);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  const whole = Math.trunc(seconds / 3600);
  if (whole < 24 * 7 * 2) return `${Math.trunc(whole / 24)} days`;
  if (whole < 24 * 30 * 2) return `${Math.trunc(whole / 24 / 7)} weeks`;
  if (whole < 24 * 365 * 2) return `${Math.trunc(whole / 24 / 30)} months`;
  return `${Math.trunc(whole / 24 / 365)} years`;
}
