/**
 * Whatever is handed to the readers of config files: an error of ours with a message for people, or a result; never a crash, a hang, or a
 * changed prototype. Seeded: a failure names its seed, and TAP_FUZZ_SEED repeats it.
 */
import t, { type Test } from 'tap';
import { TalosError } from '../../../lib/base/errors.js';
import { readDocuments } from '../../../lib/config/document.js';
import {
  ConfigError,
  compareConfigs,
  parseClientConfig,
  parseMachineConfig,
  parseSecrets,
} from '../../../lib/config/index.js';
import { excessOf } from '../../../lib/config/text-bounds.js';
import { loadConfig } from '../../../lib/machined/load-config.js';
import { parseKubeconfig } from '../../../lib/osctl/kubeconfig-merge.js';
import { seededRandom } from '../../helpers/seeded-random.js';
import { generated } from '../machined/fixtures.js';

t.setTimeout(180_000);

const KIB = 1024;
const SEED = Number(process.env.TAP_FUZZ_SEED ?? 20_261_125);
const ROUNDS = 300;
/** Of one text, on a machine that does other things too. Without the bounds it is minutes, or the end of the process. */
const MAX_MS = 15_000;

const READERS: Record<string, (text: string) => unknown> = {
  machine: parseMachineConfig,
  loaded: loadConfig,
  client: parseClientConfig,
  secrets: parseSecrets,
  compared: (text) =>
    compareConfigs(
      readDocuments(text).documents.map(({ value }) => value),
      [],
    ),
  kubeconfig: (text) => parseKubeconfig(text, 'it'),
};

const PROTOTYPE = JSON.stringify(Object.getOwnPropertyNames(Object.prototype));

function feed(t: Test, name: string, text: string, readers = READERS): void {
  for (const [reader, read] of Object.entries(readers)) {
    const before = process.cpuUsage();
    try {
      read(text);
    } catch (error) {
      if (!(error instanceof TalosError)) t.fail(`${name}, ${reader}: ${error instanceof Error ? error.stack : error}`);
      if (error instanceof ConfigError && error.message.length > 40 * KIB)
        t.fail(`${name}, ${reader}: endless message`);
    }
    // Of the processor's time: the clock also counts what other programs do meanwhile.
    const { user, system } = process.cpuUsage(before);
    const tookMs = (user + system) / 1000;
    if (tookMs > MAX_MS) t.fail(`${name}, ${reader}: took ${tookMs.toFixed(0)} ms of processor time`);
  }
  t.equal(JSON.stringify(Object.getOwnPropertyNames(Object.prototype)), PROTOTYPE, name);
}

/** What YAML and this program care for. */
const MORSELS = [
  ...[
    '[',
    '{',
    ']',
    '}',
    ',',
    ': ',
    '- ',
    '? ',
    '|',
    '>',
    '|2+\n',
    '&a ',
    '*a',
    '!!binary ',
    '!x ',
    '<<: *a',
    '"',
    "'",
    '#',
    '\t',
    '\0',
  ],
  ...[
    '---\n',
    '...\n',
    '%YAML 9.9\n',
    '%TAG ! x:\n',
    '\ufeff',
    '\r',
    '\u2028',
    '\ud800',
    '  ',
    '\n',
    '\n\n  ',
    '~',
    'null',
    '.inf',
    '1e999',
  ],
  ...[
    '__proto__: {polluted: 1}\n',
    'constructor: {prototype: {polluted: 1}}\n',
    'toString: 1\n',
    'hasOwnProperty: 1\n',
    'kind: 7\n',
    'kind: DHCPv4Config\n',
  ],
  ...[
    '0x7fffffffffffffff',
    '9'.repeat(400),
    '-0',
    '2026-01-01',
    'yes',
    '!!js/function x',
    'machine: ',
    'contexts: ',
    'name: ',
    'LS0tLS1CRUdJTg==',
  ],
];

t.test('random bytes, and good files with things missing, doubled and put in', async (t) => {
  const { controlplane, talosconfig } = await generated();
  const seeds = [
    controlplane,
    JSON.stringify(talosconfig),
    `${controlplane}---\napiVersion: v1alpha1\nkind: DHCPv4Config\nname: eth0\n`,
  ];
  for (let round = 0; round < ROUNDS; round++) {
    const below = seededRandom(SEED + round);
    const name = `TAP_FUZZ_SEED=${SEED + round}, first round`;
    if (round % 10 === 0) {
      feed(
        t,
        name,
        Buffer.from(Array.from({ length: below(400) }, () => below(256))).toString(
          round % 20 === 0 ? 'utf8' : 'latin1',
        ),
      );
      continue;
    }
    let text = seeds[below(seeds.length)] as string;
    for (let change = below(6); change >= 0; change--) {
      const [from, length] = [below(text.length + 1), below(60)];
      const piece = [MORSELS[below(MORSELS.length)] as string, text.slice(from, from + length), ''][below(3)] as string;
      text = text.slice(0, from) + piece.repeat(1 + below(3)) + text.slice(from + (below(2) === 0 ? 0 : length));
    }
    feed(t, name, text);
  }
});

/** Each is cut where the look before the parser would stop it, so that the parser itself gets as much as it ever can. */
const HOSTILE: Record<string, string> = {
  'brackets, which once ended the process': '['.repeat(1024 * KIB),
  braces: '{a: '.repeat(256 * KIB),
  'lists in lists': '- '.repeat(512 * KIB),
  'keys that are keys': '? '.repeat(512 * KIB),
  stairs: Array.from({ length: 1400 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'),
  'stairs of lists': Array.from({ length: 100 }, (_, step) => `${' '.repeat(step * 20)}${'- '.repeat(60)}`).join('\n'),
  documents: '---\n'.repeat(200 * KIB),
  anchors: '- &a x\n'.repeat(100 * KIB),
  aliases: `- &a x\n${'- *a\n'.repeat(100 * KIB)}`,
  laughs: Array.from({ length: 26 }, (_, at) => {
    const [own, last] = [String.fromCharCode(97 + at), String.fromCharCode(96 + at)];
    return at === 0 ? 'a: &a [x, x, x, x, x]' : `${own}: &${own} [*${last}, *${last}, *${last}, *${last}, *${last}]`;
  }).join('\n'),
  quotes: '"'.repeat(512 * KIB),
  'closing brackets': 'a: }\n'.repeat(100 * KIB),
  tags: '!x '.repeat(200 * KIB),
  'the same key': 'k: 1\n'.repeat(100 * KIB),
  'a long key': `${'k'.repeat(1000 * KIB)}: 1`,
  'unknown fields': `version: v1alpha1\nmachine:\n${Array.from({ length: 50 * KIB }, (_, at) => `  k${at}: 1`).join('\n')}`,
  'blanks where base64 is wanted': `version: v1alpha1\nmachine: {ca: {crt: "${' '.repeat(1000 * KIB)}!"}}\ncluster: {}\n`,
  'a long name': `version: v1alpha1\nmachine: {network: {hostname: "${'a.'.repeat(500 * KIB)}!"}}\ncluster: {}\n`,
  'a long URL': `version: v1alpha1\ncluster: {controlPlane: {endpoint: "https://${'a'.repeat(1000 * KIB)}"}}\n`,
  'a number': `debug: ${'9'.repeat(1000 * KIB)}`,
  'escapes that fill a line': `a: "${'\\u0041'.repeat(160 * KIB)}"`,
  __proto__: '__proto__: {polluted: true}\ncontexts: {__proto__: {endpoints: []}}\n',
};

t.test('texts that are made for the parser', async (t) => {
  for (const [name, text] of Object.entries(HOSTILE)) {
    // All readers share the parser, and large texts take their time.
    feed(t, name, text, { machine: parseMachineConfig });
    if (excessOf(text) === undefined) continue;
    let [accepted, refused] = [0, text.length];
    while (refused - accepted > 64) {
      const middle = (accepted + refused) >> 1;
      if (excessOf(text.slice(0, middle)) === undefined) accepted = middle;
      else refused = middle;
    }
    feed(t, `${name}, ${accepted} of it`, text.slice(0, accepted), { machine: parseMachineConfig });
  }
});

t.test('what is too much is said with its line', async (t) => {
  t.match(readDocuments(`a: 1\nb: ${'['.repeat(65)}`).problems, [{ line: 2, message: 'is nested too deeply' }]);
  t.match(readDocuments(`a: "\n\n "\nb: ${'{a: '.repeat(65)}`).problems, [
    { line: 4, message: 'is nested too deeply' },
  ]);
  t.match(readDocuments(`a:\n${' '.repeat(600)}b: 1`).problems, [{ line: 2, message: 'is nested too deeply' }]);
  t.match(readDocuments('- a\n'.repeat(50_000)).problems, [{ message: 'has too many parts' }]);
  const inside = `a: |\n  ${'[- '.repeat(1000)}\n${' '.repeat(700)}x\nb: "${'[{'.repeat(100)}"\nc: ${'x-[?'.repeat(100)}\n`;
  t.same(readDocuments(inside).problems, [], 'scalars may hold anything');
});
