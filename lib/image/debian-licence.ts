/**
 * Licences of Debian packages as SPDX expressions, from `usr/share/doc/<package>/copyright` where that is machine-readable
 * (Debian's "copyright-format/1.0"). A licence that SPDX has no name for gets one of its own, with its text.
 */

/** A licence that is on no list: SPDX calls it `LicenseRef-…`. */
export interface ExtractedLicence {
  readonly licenseId: string;
  readonly extractedText: string;
}

/** What a copyright file says. */
export interface DeclaredLicence {
  /** SPDX expression. */
  readonly expression: string;
  readonly extracted: readonly ExtractedLicence[];
}

/** Debian's short names that SPDX writes in another way; names that both have (`ISC`, `BSD-2-Clause`) are in {@link SAME_NAMES}. */
const SPDX_NAMES: Readonly<Record<string, string>> = {
  'apache-2.0': 'Apache-2.0',
  'bsd-2-clause': 'BSD-2-Clause',
  'bsd-3-clause': 'BSD-3-Clause',
  expat: 'MIT',
  'gpl-1+': 'GPL-1.0-or-later',
  'gpl-2': 'GPL-2.0-only',
  'gpl-2+': 'GPL-2.0-or-later',
  'gpl-3': 'GPL-3.0-only',
  'gpl-3+': 'GPL-3.0-or-later',
  'lgpl-2': 'LGPL-2.0-only',
  'lgpl-2+': 'LGPL-2.0-or-later',
  'lgpl-2.1': 'LGPL-2.1-only',
  'lgpl-2.1+': 'LGPL-2.1-or-later',
  'lgpl-3': 'LGPL-3.0-only',
  'lgpl-3+': 'LGPL-3.0-or-later',
  'gpl-2 with linux-syscall-note exception': 'GPL-2.0-only WITH Linux-syscall-note',
};
const SAME_NAMES = ['BSL-1.0', 'CC0-1.0', 'FSFAP', 'ISC', 'Zlib'];

for (const name of SAME_NAMES) Object.assign(SPDX_NAMES, { [name.toLowerCase()]: name });

const group = (expression: string) => (/ OR /.test(expression) ? `(${expression})` : expression);

interface Paragraph {
  readonly names: string;
  readonly text: string;
}

/** The `License` fields: what stands on the first line, and the text below it. */
function licenceFields(copyright: string): Paragraph[] {
  const fields: Paragraph[] = [];
  for (const match of copyright.matchAll(/^License:[ \t]*(.*)\n((?:[ \t].*\n?)*)/gm)) {
    const [, names = '', text = ''] = match;
    const lines = text.split('\n').map((line) => line.replace(/^[ \t]/, '').replace(/^\.$/, ''));
    fields.push({ names: names.trim(), text: lines.join('\n').trim() });
  }
  return fields;
}

/**
 * The licences of a package.
 * @param copyright content of the file
 * @returns undefined when it is not machine-readable, or names no licence
 */
export function declaredLicence(copyright: string): DeclaredLicence | undefined {
  if (!/^Format:.*copyright-format\/1\.0/m.test(copyright)) return undefined;
  const fields = licenceFields(copyright).filter((field) => field.names !== '');
  const textsOf = (name: string) => [
    ...new Set(fields.filter((field) => field.names === name).map(({ text }) => text)),
  ];
  const extracted = new Map<string, string>();
  const one = (name: string): string => {
    const known = SPDX_NAMES[name.toLowerCase()];
    if (known !== undefined) return known;
    const licenseId = `LicenseRef-Debian-${name.replaceAll(/[^A-Za-z0-9.-]+/g, '-')}`;
    // Parts of a package have texts of their own as well.
    const text = textsOf(name).filter(Boolean).join('\n\n--\n\n');
    extracted.set(licenseId, text || `"${name}", as Debian's copyright file of the package describes it`);
    return licenseId;
  };
  // "and" binds closer than "or", in SPDX as in Debian's format.
  const choice = (names: string) =>
    names
      .split(/ or /)
      .map((part) =>
        part
          .split(/ and /)
          .map((name) => one(name.trim()))
          .join(' AND '),
      )
      .join(' OR ');
  // But where a comma stands before "and": "A or B, and C" is "(A or B) and C".
  const expression = (names: string): string => {
    const parts = names.split(/,\s*/).map((part) => /^(?:(and|or)\s+)?(.*)$/.exec(part) ?? []);
    let joined = '';
    for (const [index, [, , part = '']] of parts.entries()) {
      // In "A, B, and C" the first comma means what the second says.
      const joint = parts.slice(index).find(([, word]) => word !== undefined)?.[1] ?? 'and';
      if (index === 0) joined = choice(part);
      else if (joint === 'or') joined = `${joined} OR ${choice(part)}`;
      else joined = `${group(joined)} AND ${group(choice(part))}`;
    }
    return joined;
  };
  const all = [...new Set(fields.map((field) => expression(field.names)))].sort();
  if (all.length === 0) return undefined;
  return {
    expression: all.length > 1 ? all.map(group).join(' AND ') : all.join(),
    extracted: [...extracted].sort().map(([licenseId, extractedText]) => ({ licenseId, extractedText })),
  };
}

/** The texts of a document. Packages have their own under one short name, `public-domain` above all. */
export class LicenceTexts {
  readonly #texts = new Map<string, string>();

  /** @returns the licence with identifiers under which its own texts are found: another text gets another one */
  add({ expression, extracted }: DeclaredLicence, packageName: string): DeclaredLicence {
    const own = new Map<string, string>();
    for (const { licenseId, extractedText } of extracted) {
      const isOthers = (this.#texts.get(licenseId) ?? extractedText) !== extractedText;
      const id = isOthers ? `${licenseId}-${packageName.replaceAll(/[^A-Za-z0-9.-]+/g, '-')}` : licenseId;
      own.set(licenseId, id);
      this.#texts.set(id, extractedText);
    }
    const idOf = (id: string) => own.get(id) ?? id;
    return {
      expression: expression.replaceAll(/LicenseRef-[A-Za-z0-9.-]+/g, idOf),
      extracted: extracted.map((each) => ({ ...each, licenseId: idOf(each.licenseId) })),
    };
  }

  /** Sorted. */
  all(): ExtractedLicence[] {
    return [...this.#texts].sort().map(([licenseId, extractedText]) => ({ licenseId, extractedText }));
  }
}
