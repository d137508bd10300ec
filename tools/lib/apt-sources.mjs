// Reads a machine's apt sources, in both of apt's formats (sources.list(5)), and derives from them where the
// backports of the same release are found. Pure: text in, text out.

/**
 * @typedef {object} Source
 * @property {string[]} types      `deb`, `deb-src`
 * @property {string[]} uris
 * @property {string[]} suites
 * @property {string[]} components
 * @property {Map<string, string>} options  other fields under their deb822 names, `Signed-By` above all
 */

/** Options of the one-line format and their names in deb822. */
const optionNames = new Map([
  ['signed-by', 'Signed-By'],
  ['trusted', 'Trusted'],
  ['arch', 'Architectures'],
  ['lang', 'Languages'],
  ['check-valid-until', 'Check-Valid-Until'],
  ['allow-insecure', 'Allow-Insecure'],
]);

const words = (text) => text.split(/\s+/).filter((word) => word !== '');

/**
 * Parses the one-line format (`deb [signed-by=…] URI suite component…`).
 * @param {string} text
 * @returns {Source[]}
 */
export function parseOneLine(text) {
  const sources = [];
  for (const line of text.split('\n')) {
    const match = /^\s*(deb|deb-src)\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line);
    if (!match) continue;
    const options = new Map();
    for (const option of words(match[2] ?? '')) {
      const [key, value = ''] = option.split(/[+-]?=/);
      const name = optionNames.get(key.toLowerCase());
      if (name) options.set(name, value.replaceAll(',', ' '));
    }
    sources.push({ types: [match[1]], uris: [match[3]], suites: [match[4]], components: words(match[5]), options });
  }
  return sources;
}

/**
 * Parses the deb822 format; disabled stanzas are left out. A folded field (an embedded key) keeps its lines.
 * @param {string} text
 * @returns {Source[]}
 */
export function parseDeb822(text) {
  const sources = [];
  const withoutComments = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n');
  for (const stanza of withoutComments.split(/\n\s*\n/)) {
    const fields = new Map();
    let last;
    for (const line of stanza.split('\n')) {
      const field = /^([A-Za-z0-9-]+):\s*(.*)$/.exec(line);
      if (field) {
        last = field[1].toLowerCase();
        fields.set(last, field[2].trim());
      } else if (last && /^\s+\S/.test(line)) {
        fields.set(last, `${fields.get(last)}\n${line}`);
      }
    }
    if (!fields.has('uris') || /^(no|false|0)$/i.test(fields.get('enabled') ?? 'yes')) continue;
    const options = new Map();
    for (const name of optionNames.values()) {
      const value = fields.get(name.toLowerCase());
      if (value !== undefined) options.set(name, value);
    }
    sources.push({
      types: words(fields.get('types') ?? 'deb'),
      uris: words(fields.get('uris')),
      suites: words(fields.get('suites') ?? ''),
      components: words(fields.get('components') ?? ''),
      options,
    });
  }
  return sources;
}

/**
 * How likely a source is Debian's archive: others, clouds above all, have a "bookworm main" of their own (as lib/image/apt-sources.ts, which
 * is not compiled yet).
 * @param {Source} source
 */
function likelihood({ uris, suites, options }) {
  const isSigned = /\/debian-archive-[^/]*$/.test(options.get('Signed-By') ?? '');
  const isNamed = uris.some((uri) => /\/debian\/?$/.test(uri));
  const hasUpdates = suites.some((suite) => suite.endsWith('-updates'));
  return Number(isSigned) + Number(isNamed) + Number(hasUpdates);
}

/**
 * The deb822 stanza for the backports of a release, from the same mirror and keyring as the release itself.
 * @param {Source[]} sources what the machine has
 * @param {string} codename such as `bookworm`
 * @returns {string | undefined} undefined when the backports are configured already, or when no source
 *   carries the release
 */
export function backportsStanza(sources, codename) {
  const suite = `${codename}-backports`;
  const binary = sources.filter((source) => source.types.includes('deb'));
  if (binary.some((source) => source.suites.includes(suite))) return undefined;
  const possible = binary.filter((source) => source.suites.includes(codename) && source.components.includes('main'));
  const [base] = possible.toSorted((left, right) => likelihood(right) - likelihood(left));
  if (!base) return undefined;
  const lines = ['Types: deb', `URIs: ${base.uris.join(' ')}`, `Suites: ${suite}`, 'Components: main'];
  for (const [name, value] of base.options) lines.push(`${name}: ${value}`);
  return `${lines.join('\n')}\n`;
}
