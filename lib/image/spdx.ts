/** The parts of an SPDX 2.3 document (JSON) that our SBOM uses, and how they are put together. Pure. */
import { createHash } from 'node:crypto';
import type { ExtractedLicence } from './debian-licence.js';
import { stableGuid } from './stable-guid.js';

export interface SpdxChecksum {
  readonly algorithm: 'SHA1' | 'SHA256';
  readonly checksumValue: string;
}

export interface SpdxPackage {
  readonly SPDXID: string;
  readonly name: string;
  readonly versionInfo: string;
  readonly downloadLocation: 'NOASSERTION';
  readonly filesAnalyzed: boolean;
  readonly licenseConcluded: 'NOASSERTION';
  readonly licenseDeclared: string;
  readonly copyrightText: 'NOASSERTION';
  readonly supplier?: string;
  readonly sourceInfo?: string;
  readonly comment?: string;
  readonly checksums?: readonly SpdxChecksum[];
  readonly packageVerificationCode?: { readonly packageVerificationCodeValue: string };
  readonly externalRefs?: readonly {
    readonly referenceCategory: 'PACKAGE-MANAGER';
    readonly referenceType: 'purl';
    readonly referenceLocator: string;
  }[];
  readonly primaryPackagePurpose?: 'OPERATING_SYSTEM' | 'ARCHIVE' | 'LIBRARY' | 'APPLICATION';
}

export interface SpdxFile {
  readonly SPDXID: string;
  /** Relative to the root of its package: './usr/bin/talos'. */
  readonly fileName: string;
  readonly checksums: readonly SpdxChecksum[];
  readonly licenseConcluded: 'NOASSERTION';
  readonly copyrightText: 'NOASSERTION';
  readonly comment: string;
}

export interface SpdxRelationship {
  readonly spdxElementId: string;
  readonly relationshipType: 'DESCRIBES' | 'CONTAINS' | 'GENERATED_FROM' | 'STATIC_LINK';
  readonly relatedSpdxElement: string;
}

export interface SpdxDocument {
  readonly spdxVersion: 'SPDX-2.3';
  readonly dataLicense: 'CC0-1.0';
  readonly SPDXID: 'SPDXRef-DOCUMENT';
  readonly name: string;
  readonly documentNamespace: string;
  readonly creationInfo: { readonly created: string; readonly creators: readonly string[] };
  readonly packages: readonly SpdxPackage[];
  readonly files: readonly SpdxFile[];
  readonly relationships: readonly SpdxRelationship[];
  readonly hasExtractedLicensingInfos?: readonly ExtractedLicence[];
}

/** A package as our code describes one. */
export interface PackageFacts {
  /** Made of letters, digits, dots and dashes; unique in the document. */
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly licence?: string | undefined;
  readonly supplier?: string | undefined;
  readonly sourceInfo?: string | undefined;
  readonly comment?: string | undefined;
  readonly sha256?: string | undefined;
  /** Package URL, by which scanners know it. */
  readonly purl?: string | undefined;
  readonly purpose?: SpdxPackage['primaryPackagePurpose'];
}

/** A file as our code describes one. */
export interface FileFacts {
  /** Absolute in its package. */
  readonly path: string;
  readonly sha1: string;
  readonly sha256: string;
  readonly comment: string;
}

/** An identifier that SPDX accepts. */
export function spdxId(...parts: readonly string[]): string {
  return `SPDXRef-${parts.join('-').replaceAll(/[^A-Za-z0-9.-]+/g, '-')}`;
}

/** A package; with files, its verification code is computed (SPDX 2.3, 7.9). */
export function spdxPackage(facts: PackageFacts, files: readonly SpdxFile[] = []): SpdxPackage {
  const { id, name, version, licence, supplier, sourceInfo, comment, sha256, purl, purpose } = facts;
  return {
    SPDXID: id,
    name,
    versionInfo: version,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: files.length > 0,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: licence ?? 'NOASSERTION',
    copyrightText: 'NOASSERTION',
    ...(supplier !== undefined && { supplier }),
    ...(sourceInfo !== undefined && { sourceInfo }),
    ...(comment !== undefined && { comment }),
    ...(sha256 !== undefined && { checksums: [{ algorithm: 'SHA256', checksumValue: sha256 }] }),
    ...(files.length > 0 && { packageVerificationCode: { packageVerificationCodeValue: verificationCode(files) } }),
    ...(purl !== undefined && {
      externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl }],
    }),
    ...(purpose !== undefined && { primaryPackagePurpose: purpose }),
  };
}

function verificationCode(files: readonly SpdxFile[]): string {
  const sums = files.map((file) => file.checksums.find((each) => each.algorithm === 'SHA1')?.checksumValue ?? '');
  return createHash('sha1').update(sums.sort().join('')).digest('hex');
}

/** A file of the package named by `where`. */
export function spdxFile(where: string, { path, sha1, sha256, comment }: FileFacts): SpdxFile {
  return {
    SPDXID: spdxId('File', where, path.slice(1)),
    fileName: `.${path}`,
    checksums: [
      { algorithm: 'SHA1', checksumValue: sha1 },
      { algorithm: 'SHA256', checksumValue: sha256 },
    ],
    licenseConcluded: 'NOASSERTION',
    copyrightText: 'NOASSERTION',
    comment,
  };
}

/**
 * The document. Its namespace is made from its content: the same content gives the same bytes, another content another name.
 * @param created  ISO 8601 without fractions of a second
 */
export function spdxDocument(
  name: string,
  created: string,
  content: Pick<SpdxDocument, 'packages' | 'files' | 'relationships'>,
  extracted: readonly ExtractedLicence[],
): SpdxDocument {
  const guid = stableGuid('sbom', JSON.stringify([name, created, content, extracted])).toLowerCase();
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name,
    documentNamespace: `urn:uuid:${guid}`,
    creationInfo: { created, creators: ['Tool: talos-image'] },
    ...content,
    ...(extracted.length > 0 && { hasExtractedLicensingInfos: extracted }),
  };
}
