// A software bill of materials of a root file system, as SPDX 2.3 (spdx.github.io/spdx-spec/v2.3).
import { createHash } from 'node:crypto';
import { languagePackages } from './language-packages.ts';
import { systemPackages } from './system-packages.ts';
import { openTree } from './tree.ts';
import type { Package } from './types.ts';

export const SPDX = 'https://spdx.dev/Document';

/** @param root where the file system is mounted @param created ms since the epoch */
export function scan(root: string): Package[] {
  using tree = openTree(root);
  const all = [...systemPackages(tree), ...languagePackages(tree)];
  return [...new Map(all.map((p) => [`${p.purl} ${p.source}`, p])).values()];
}

export function spdxDocument(name: string, packages: readonly Package[], created: number): object {
  const content = createHash('sha256')
    .update(JSON.stringify([name, packages]))
    .digest('hex');
  const id = (p: Package): string => `SPDXRef-Package-${createHash('sha256').update(`${p.purl} ${p.source}`).digest('hex').slice(0, 16)}`;
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name,
    documentNamespace: `urn:slipway:sbom:${content}`,
    creationInfo: { created: new Date(created).toISOString().replace(/\.\d+Z$/, 'Z'), creators: ['Tool: slipway'] },
    packages: packages.map((p) => ({
      name: p.name,
      SPDXID: id(p),
      versionInfo: p.version,
      downloadLocation: 'NOASSERTION',
      filesAnalyzed: false,
      licenseConcluded: 'NOASSERTION',
      licenseDeclared: p.license !== undefined && /^[A-Za-z0-9.+-]+$/.test(p.license) ? p.license : 'NOASSERTION',
      copyrightText: 'NOASSERTION',
      sourceInfo: `acquired package info from: ${p.source}`,
      externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: p.purl }],
    })),
    relationships: packages.map((p) => ({ spdxElementId: 'SPDXRef-DOCUMENT', relatedSpdxElement: id(p), relationshipType: 'DESCRIBES' })),
  };
}
