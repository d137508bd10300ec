import { stringify } from 'yaml';

/**
 * Text of YAML documents for programs in Go. Their parser is one of YAML 1.1, where yes, on and 1:20 are no texts: every text is quoted, in JSON's way, so
 * that none is more than a line either; a line `---` within one would end the document for kubeadm.
 */
export function yamlOf(...documents: readonly object[]): string {
  return documents
    .map((document) =>
      stringify(document, {
        version: '1.1',
        aliasDuplicateObjects: false,
        defaultKeyType: 'PLAIN',
        defaultStringType: 'QUOTE_DOUBLE',
        doubleQuotedAsJSON: true,
        lineWidth: 0,
      }),
    )
    .join('---\n');
}
