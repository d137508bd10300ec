// What a role loads before it can do anything is paid for at every boot: it is listed here, and bounded. What only some request needs is
// imported when that comes.
import { build } from 'esbuild';
import t from 'tap';
import { ROLES } from '../../../lib/image/bundle.js';
import { repositoryRoot } from '../../../lib/image/paths.js';

interface Eager {
  /** Source that is loaded with the entry, as it is bundled; without the protobuf code. */
  readonly mostKib: number;
  /** Packages and folders of ours that it is made of, but for the role's own and those that every role has. */
  readonly parts: readonly string[];
  /** Modules of Node that would cost more than they are worth. */
  readonly without: readonly string[];
}

const TLS = ['node:crypto', 'node:http', 'node:http2', 'node:https', 'node:tls'];

/** lib/base, lib/native and lib/control with its protobuf code are in every role. */
const EVERYWHERE = ['lib/base', 'lib/native', 'lib/control', 'lib/gen/control', 'lib/gen', 'protobufjs', 'long'];
const CERTIFICATES = [
  ...['@peculiar/asn1-schema', '@peculiar/asn1-x509', '@peculiar/utils', 'asn1js'],
  ...['pvtsutils', 'pvutils', 'tslib'],
];

const GRPC = [
  ...['@grpc/grpc-js', '@js-sdsl/ordered-map'],
  // grpc-js loads it, and what it needs, when somebody asks for channelz; nobody does.
  ...['@grpc/proto-loader', 'lodash.camelcase'],
  ...['aspromise', 'base64', 'codegen', 'eventemitter', 'fetch', 'float', 'path', 'pool', 'utf8'].map(
    (name) => `@protobufjs/${name}`,
  ),
];

const ROLES_EAGER: Readonly<Record<string, Eager>> = {
  init: { mostKib: 258, parts: ['lib/os'], without: [...TLS, 'node:dgram'] },
  machined: {
    mostKib: 930,
    parts: ['lib/os', 'lib/config', 'lib/kube', 'lib/pki', 'zod', 'yaml', ...CERTIFICATES],
    without: ['node:http2', 'node:tls'],
  },
  networkd: { mostKib: 220, parts: ['lib/os', 'lib/config'], without: [...TLS, 'node:dgram', 'node:dns/promises'] },
  osd: {
    mostKib: 840,
    parts: [...['lib/os', 'lib/config', 'lib/pki', 'lib/server', 'lib/gen/machine', ...GRPC]],
    without: ['node:dgram', 'node:dns/promises', 'node:https'],
  },
  blockd: {
    mostKib: 180,
    parts: ['lib/os', 'lib/server'],
    without: [...TLS, 'node:dgram', 'node:dns/promises', 'node:net'],
  },
  proxyd: { mostKib: 185, parts: ['lib/server'], without: [...TLS, 'node:dgram', 'node:dns/promises'] },
  trustd: {
    mostKib: 780,
    parts: ['lib/pki', 'lib/server', 'lib/gen/security', ...GRPC],
    without: ['node:dgram', 'node:dns/promises', 'node:https'],
  },
};

/** The package or the folder of ours that a file belongs to. */
function partOf(file: string): string {
  const names = file.split('/');
  if (names[0] === 'node_modules') return names.slice(1, names[1]?.startsWith('@') ? 3 : 2).join('/');
  return names.slice(0, names[1] === 'gen' ? Math.min(3, names.length - 1) : 2).join('/');
}

/** Files that come with the entry, without those that are imported on demand, and their bytes in a bundle. */
async function eagerFiles(entry: string): Promise<{ files: Map<string, number>; builtins: Set<string> }> {
  const { metafile } = await build({
    metafile: true,
    write: false,
    absWorkingDir: repositoryRoot(),
    entryPoints: [entry],
    outdir: 'out',
    bundle: true,
    platform: 'node',
    format: 'cjs',
    preserveSymlinks: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'silent',
  });
  const [output] = Object.values(metafile.outputs);
  const found = new Map<string, number>();
  const builtins = new Set<string>();
  const waiting = [entry];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (found.has(file)) continue;
    found.set(file, output?.inputs[file]?.bytesInOutput ?? 0);
    for (const { path, kind, external } of metafile.inputs[file]?.imports ?? []) {
      if (kind === 'dynamic-import') continue;
      if (external) builtins.add(path);
      else waiting.push(path);
    }
  }
  return { files: found, builtins };
}

t.same(Object.keys(ROLES_EAGER).sort(), Object.keys(ROLES).sort(), 'every role has its list');

for (const [role, { mostKib, parts, without }] of Object.entries(ROLES_EAGER)) {
  t.test(`${role} loads what it needs and no more`, async (t) => {
    const { files, builtins } = await eagerFiles(ROLES[role] ?? '');
    const allowed = new Set([...EVERYWHERE, `lib/${role}`, ...parts]);
    const others = [...files].filter(([file, bytes]) => bytes > 0 && !allowed.has(partOf(file)));
    t.same(
      others.map(([file]) => file),
      [],
      'nothing from elsewhere',
    );
    t.same(
      without.filter((name) => builtins.has(name)),
      [],
      'nothing of Node that it can do without',
    );
    // Messages of the protobuf code are made when they are asked for: more of them cost a role that does not ask little.
    const own = [...files].filter(([file]) => !file.startsWith('lib/gen/'));
    const kib = Math.ceil(own.reduce((sum, [, bytes]) => sum + bytes, 0) / 1024);
    t.ok(kib <= mostKib, `${kib} KiB, of ${mostKib}`);
  });
}
