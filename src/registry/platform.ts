// Which of an index's manifests is meant: the one for the platform asked for, in the order of preference that Docker has.
import { type Descriptor, formatPlatform, type Index, matchesPlatform, type Platform, SlipwayError } from '../model/index.ts';

/** True for what BuildKit keeps beside images: attestations, which no platform runs. */
export function isAttestation(d: Descriptor): boolean {
  return d.annotations?.['vnd.docker.reference.type'] !== undefined || d.platform?.os === 'unknown';
}

/** @throws SlipwayError not-found `registry.no-platform`, which lists the platforms that there are */
export function choosePlatform(index: Index, platform: Platform, name: string): Descriptor {
  const images = index.manifests.filter((d) => !isAttestation(d));
  const fitting = images.filter((d) => d.platform === undefined || matchesPlatform(d.platform, platform));
  // The nearest variant first: arm/v7 before arm/v6 on an arm/v7 machine.
  const level = (d: Descriptor): number => Number(/\d+/.exec(d.platform?.variant ?? '')?.[0] ?? 0);
  const [chosen] = fitting.toSorted((a, b) => level(b) - level(a));
  if (chosen !== undefined) return chosen;
  const there = images.map((d) => (d.platform === undefined ? 'unnamed' : formatPlatform(d.platform)));
  throw new SlipwayError(
    'not-found',
    'registry.no-platform',
    `no matching manifest for ${formatPlatform(platform)} in the manifest list entries of ${name}`,
    {
      hints: [there.length > 0 ? `it is there for: ${[...new Set(there)].join(', ')} (choose with --platform)` : 'the list is empty'],
    },
  );
}
