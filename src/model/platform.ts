// Platforms: `os/architecture/variant` with the spellings people use brought to the registered ones (image-index.md, "platform").
import { SlipwayError } from './errors.ts';

export interface Platform {
  architecture: string;
  os: string;
  variant?: string;
  'os.version'?: string;
  'os.features'?: string[];
}

// as containerd's platforms package has them, whose messages name them
const PART = '^[A-Za-z0-9_.-]+$';
const SYSTEM = String.raw`^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$`;
const SYSTEMS = new Set([
  'aix',
  'android',
  'darwin',
  'dragonfly',
  'freebsd',
  'illumos',
  'ios',
  'js',
  'linux',
  'netbsd',
  'openbsd',
  'plan9',
  'solaris',
  'wasip1',
  'windows',
]);
const ARCHITECTURES = new Set([
  '386',
  'amd64',
  'arm',
  'arm64',
  'loong64',
  'mips',
  'mipsle',
  'mips64',
  'mips64le',
  'ppc64',
  'ppc64le',
  'riscv64',
  's390x',
  'wasm',
]);

/** 'linux/arm/v7', 'arm64', 'linux'. Throws invalid-argument 'platform.invalid'. */
export function parsePlatform(s: string): Platform {
  if (s.includes('*')) throw invalid(`${quoted(s)}: wildcards not yet supported`);
  const [first = '', ...rest] = s.split('/');
  const [, system, version] = new RegExp(SYSTEM).exec(first) ?? [];
  if (system === undefined)
    throw invalid(
      `${quoted(first)} is an invalid OS component of ${quoted(s)}: OSAndVersion specifier component must match ${quoted(SYSTEM)}`,
    );
  for (const part of rest) {
    if (new RegExp(PART).test(part)) continue;
    throw invalid(`${quoted(part)} is an invalid component of ${quoted(s)}: platform specifier component must match ${quoted(PART)}`);
  }
  const [architecture, variant, ...more] = rest;
  if (more.length > 0) throw invalid(`${quoted(s)}: cannot parse platform specifier`);
  const versioned = version ? { 'os.version': version } : {};
  if (architecture !== undefined)
    return normalizePlatform({ os: system, architecture, ...versioned, ...(variant === undefined ? {} : { variant }) });
  const os = normalizeSystem(system);
  if (SYSTEMS.has(os)) return { ...hostPlatform(), os, ...versioned };
  const alone = normalizePlatform({ os: 'linux', architecture: system });
  if (ARCHITECTURES.has(alone.architecture)) return alone;
  throw invalid(`${quoted(s)}: unknown operating system or architecture`);
}

/** 'linux/arm64', 'linux/arm/v7'. */
export function formatPlatform(p: Platform): string {
  return [p.os, p.architecture, p.variant].filter((part) => part !== undefined && part !== '').join('/');
}

/** aarch64 → arm64, x86_64 → amd64, armhf → arm/v7; a variant that says nothing (arm64/v8) is dropped. */
function normalizePlatform(p: Platform): Platform {
  const { variant: given, ...rest } = p;
  let architecture = p.architecture.toLowerCase();
  let variant = (given ?? '').toLowerCase();
  switch (architecture) {
    case 'i386':
    case 'i686':
      [architecture, variant] = ['386', ''];
      break;
    case 'x86_64':
    case 'x86-64':
    case 'amd64':
      architecture = 'amd64';
      if (variant === 'v1') variant = '';
      break;
    case 'aarch64':
    case 'arm64':
      architecture = 'arm64';
      if (variant === '8' || variant === 'v8') variant = '';
      break;
    case 'armhf':
      [architecture, variant] = ['arm', 'v7'];
      break;
    case 'armel':
      [architecture, variant] = ['arm', 'v6'];
      break;
    case 'arm':
      if (variant === '') variant = 'v7';
      else if (/^[5-8]$/.test(variant)) variant = `v${variant}`;
      break;
  }
  return { ...rest, os: normalizeSystem(p.os), architecture, ...(variant === '' ? {} : { variant }) };
}

/** What containers on this machine run as. */
export function hostPlatform(): Platform {
  const names: Readonly<Record<string, Platform['architecture']>> = { x64: 'amd64', ia32: '386' };
  return normalizePlatform({ os: 'linux', architecture: names[process.arch] ?? process.arch });
}

/** What an image was made for, by its configuration. */
export const platformOfImage = ({ os, architecture, variant }: Platform): Platform => ({
  os,
  architecture,
  ...(variant && { variant }),
});

/** Whether something made for `have` runs where `want` is asked for; an older ARM variant runs on a newer machine. */
export function matchesPlatform(have: Platform, want: Platform): boolean {
  const a = normalizePlatform(have);
  const b = normalizePlatform(want);
  if (a.os !== b.os || a.architecture !== b.architecture) return false;
  if (a.architecture !== 'arm' && a.architecture !== 'amd64') return (a.variant ?? '') === (b.variant ?? '');
  return level(a.variant) <= level(b.variant);
}

function level(variant: string | undefined): number {
  const n = /^v(\d+)$/.exec(variant ?? '')?.[1];
  return n === undefined ? 1 : Number(n);
}

function normalizeSystem(os: string): string {
  const lower = os.toLowerCase();
  return lower === 'macos' ? 'darwin' : lower;
}

/** As Go's %q prints what may stand here. */
const quoted = (text: string): string => JSON.stringify(text);

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', 'platform.invalid', `${message}: invalid argument`);
}
