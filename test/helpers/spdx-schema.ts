/**
 * SPDX 2.3 as far as a document of ours can break it: the JSON schema's structure (what is required, what is known, the words of its
 * lists) and the specification's rules that a schema cannot say. Source: SPDX 2.3, chapters 6 to 11 and annex D.
 */
import { z } from 'zod';

const checksum = z
  .strictObject({ algorithm: z.enum(['SHA1', 'SHA256']), checksumValue: z.string() })
  .refine(
    ({ algorithm, checksumValue }) => new RegExp(`^[0-9a-f]{${algorithm === 'SHA1' ? 40 : 64}}$`).test(checksumValue),
    'a checksum has the length of its algorithm, in lower case',
  );
const elementId = z.string().regex(/^SPDXRef-[A-Za-z0-9.-]+$/);
/** Annex D, as far as we use it; what it names is looked at in {@link spdxProblems}. */
const licence = z.string().regex(/^(NOASSERTION|NONE|[A-Za-z0-9.+-]+([ ()]+[A-Za-z0-9.+-]+)*\)?|\(.*)$/);

const document = z.strictObject({
  spdxVersion: z.literal('SPDX-2.3'),
  dataLicense: z.literal('CC0-1.0'),
  SPDXID: z.literal('SPDXRef-DOCUMENT'),
  name: z.string().min(1),
  documentNamespace: z.string().regex(/^[a-z][a-z0-9+.-]*:[^#\s]+$/, 'an absolute URI without a fragment'),
  creationInfo: z.strictObject({
    created: z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    creators: z.array(z.string().regex(/^(Tool|Person|Organization): \S/)).min(1),
  }),
  packages: z.array(
    z
      .strictObject({
        SPDXID: elementId,
        name: z.string().min(1),
        versionInfo: z.string().min(1),
        downloadLocation: z.string().min(1),
        filesAnalyzed: z.boolean(),
        licenseConcluded: licence,
        licenseDeclared: licence,
        copyrightText: z.string(),
        supplier: z
          .string()
          .regex(/^(Person|Organization): \S/)
          .optional(),
        sourceInfo: z.string().optional(),
        comment: z.string().optional(),
        checksums: z.array(checksum).optional(),
        packageVerificationCode: z
          .strictObject({ packageVerificationCodeValue: z.string().regex(/^[0-9a-f]{40}$/) })
          .optional(),
        externalRefs: z
          .array(
            z.strictObject({
              referenceCategory: z.enum(['OTHER', 'PERSISTENT-ID', 'SECURITY', 'PACKAGE-MANAGER']),
              referenceType: z.string(),
              referenceLocator: z.string().regex(/^pkg:[a-z]+\/\S+@\S+$/),
            }),
          )
          .optional(),
        primaryPackagePurpose: z
          .enum([
            'APPLICATION',
            'FRAMEWORK',
            'LIBRARY',
            'CONTAINER',
            'OPERATING_SYSTEM',
            'DEVICE',
            'FIRMWARE',
            'SOURCE',
            'ARCHIVE',
            'FILE',
            'INSTALL',
            'OTHER',
          ])
          .optional(),
      })
      .refine(
        (each) => each.filesAnalyzed === (each.packageVerificationCode !== undefined),
        'a verification code is there exactly when the files were looked at',
      ),
  ),
  files: z.array(
    z.strictObject({
      SPDXID: elementId,
      fileName: z.string().regex(/^\.\//),
      checksums: z
        .array(checksum)
        .refine((sums) => sums.some((each) => each.algorithm === 'SHA1'), 'SHA-1 is required'),
      licenseConcluded: licence,
      copyrightText: z.string(),
      comment: z.string(),
    }),
  ),
  relationships: z.array(
    z.strictObject({
      spdxElementId: elementId,
      relationshipType: z.enum(['DESCRIBES', 'CONTAINS', 'GENERATED_FROM', 'STATIC_LINK']),
      relatedSpdxElement: elementId,
    }),
  ),
  hasExtractedLicensingInfos: z
    .array(
      z.strictObject({ licenseId: z.string().regex(/^LicenseRef-[A-Za-z0-9.-]+$/), extractedText: z.string().min(1) }),
    )
    .optional(),
});

/** Sentences about what is wrong with a document; none when it is a good one. */
export function spdxProblems(value: unknown): string[] {
  const parsed = document.safeParse(value);
  if (!parsed.success) return parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  const { packages, files, relationships, hasExtractedLicensingInfos = [] } = parsed.data;
  const problems: string[] = [];
  const ids = ['SPDXRef-DOCUMENT', ...packages.map((each) => each.SPDXID), ...files.map((each) => each.SPDXID)];
  const known = new Set(ids);
  for (const id of known) if (ids.filter((each) => each === id).length > 1) problems.push(`${id} is there twice`);
  for (const { spdxElementId, relatedSpdxElement } of relationships) {
    for (const id of [spdxElementId, relatedSpdxElement]) if (!known.has(id)) problems.push(`nothing has the id ${id}`);
  }
  if (!relationships.some((each) => each.relationshipType === 'DESCRIBES')) problems.push('it describes nothing');
  const texts = new Set(hasExtractedLicensingInfos.map((each) => each.licenseId));
  for (const { name, licenseDeclared } of packages) {
    for (const [reference] of licenseDeclared.matchAll(/LicenseRef-[A-Za-z0-9.-]+/g)) {
      if (!texts.has(reference)) problems.push(`${name}: the text of ${reference} is missing`);
    }
  }
  for (const { SPDXID, filesAnalyzed } of packages) {
    const contains = relationships.filter(
      (each) => each.spdxElementId === SPDXID && each.relationshipType === 'CONTAINS',
    );
    const hasFiles = contains.some((each) => files.some((file) => file.SPDXID === each.relatedSpdxElement));
    if (hasFiles !== filesAnalyzed) problems.push(`${SPDXID}: it has files exactly when they were looked at`);
  }
  return problems;
}
