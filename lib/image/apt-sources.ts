/**
 * Where this machine gets its Debian packages from, and from that where another suite is found on the same mirror. Pure: text in,
 * text out. Both formats of sources.list(5) are read; what we write is deb822.
 */

/** One entry of a machine's sources. */
export interface AptSource {
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** Path or key of `Signed-By`, as it was given. */
  readonly signedBy: string | undefined;
}

const words = (text: string) => text.split(/\s+/).filter((word) => word !== '');

/** Parses the one-line format: `deb [signed-by=…] URI suite component…`; sources of source packages are left out. */
export function parseOneLineSources(text: string): AptSource[] {
  const sources: AptSource[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line);
    if (match === null) continue;
    const [, options = '', uri = '', suite = '', components = ''] = match;
    const signedBy = words(options).find((option) => option.toLowerCase().startsWith('signed-by='));
    sources.push({
      uris: [uri],
      suites: [suite],
      components: words(components),
      signedBy: signedBy?.slice('signed-by='.length),
    });
  }
  return sources;
}

/** Parses the deb822 format; stanzas that are disabled or only for source packages are left out. */
export function parseDeb822Sources(text: string): AptSource[] {
  const sources: AptSource[] = [];
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  for (const stanza of lines.join('\n').split(/\n\s*\n/)) {
    const fields = stanzaFields(stanza);
    const isEnabled = !/^(no|false|off|0)$/i.test(fields.get('enabled') ?? 'yes');
    const uris = words(fields.get('uris') ?? '');
    if (!isEnabled || uris.length === 0 || !words(fields.get('types') ?? 'deb').includes('deb')) continue;
    sources.push({
      uris,
      suites: words(fields.get('suites') ?? ''),
      components: words(fields.get('components') ?? ''),
      signedBy: fields.get('signed-by'),
    });
  }
  return sources;
}

/** The fields of one stanza, names in lower case; a folded field (an embedded key) keeps its lines. */
function stanzaFields(stanza: string): Map<string, string> {
  const fields = new Map<string, string>();
  let last: string | undefined;
  for (const line of stanza.split('\n')) {
    const [, name, value] = /^([A-Za-z0-9-]+):\s*(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) {
      last = name.toLowerCase();
      fields.set(last, value.trim());
    } else if (last !== undefined && /^\s+\S/.test(line)) {
      fields.set(last, `${fields.get(last) ?? ''}\n${line}`);
    }
  }
  return fields;
}

const RELEASE = /^(?<codename>bookworm|trixie|forky|sid|stable|testing)(?<kind>-security)?$/;

/** The archives of a Debian mirror lie side by side under these names. */
const ARCHIVE = /\/debian(\/?)$/;

/**
 * The deb822 stanza for `suite` on the machine's own mirror: a `-security` suite next to the machine's security suite, any other next
 * to its release. A machine without a security suite (a minimal container) finds it where mirrors have it: beside `…/debian`, as
 * `…/debian-security`.
 * @param withSources  source packages as well, whether or not the machine has them in its sources: every mirror does
 * @returns undefined when the machine has no Debian source that it could be derived from
 */
export function stanzaFor(suite: string, sources: readonly AptSource[], withSources = false): string | undefined {
  const types = withSources ? 'deb deb-src' : 'deb';
  const wantsSecurity = suite.endsWith('-security');
  const same = findSource(sources, wantsSecurity);
  if (same !== undefined) return stanza(types, suite, same.uris, same.signedBy);
  const release = wantsSecurity ? findSource(sources, false) : undefined;
  const uris = (release?.uris ?? []).filter((uri) => ARCHIVE.test(uri));
  if (uris.length === 0) return undefined;
  return stanza(
    types,
    suite,
    uris.map((uri) => uri.replace(ARCHIVE, '/debian-security$1')),
    release?.signedBy,
  );
}

/** Others than Debian's archive call their suites by Debian's names as well: browsers and clouds have a "stable main" or "bookworm main". */
const ARCHIVE_HINTS: readonly ((source: AptSource) => boolean)[] = [
  ({ signedBy }) => signedBy !== undefined && /\/debian-archive-[^/]*$/.test(signedBy),
  ({ uris }) => uris.some((uri) => /\/debian(-security)?\/?$/.test(uri)),
  ({ suites }) => suites.some((suite) => /-(updates|security)$/.test(suite)),
];

/** The source that is most likely Debian's archive; of equals the first. */
function findSource(sources: readonly AptSource[], isSecurity: boolean): AptSource | undefined {
  const possible = sources.filter((source) => {
    if (!source.components.includes('main')) return false;
    return source.suites.some((each) => {
      const kind = RELEASE.exec(each)?.groups;
      return kind !== undefined && (kind.kind !== undefined) === isSecurity;
    });
  });
  const likelihood = (source: AptSource) => ARCHIVE_HINTS.filter((isSo) => isSo(source)).length;
  return possible.toSorted((left, right) => likelihood(right) - likelihood(left))[0];
}

function stanza(types: string, suite: string, uris: readonly string[], signedBy: string | undefined): string {
  const lines = [`Types: ${types}`, `URIs: ${uris.join(' ')}`, `Suites: ${suite}`, 'Components: main'];
  if (signedBy !== undefined) lines.push(`Signed-By: ${signedBy}`);
  return `${lines.join('\n')}\n`;
}
