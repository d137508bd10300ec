/** Client certificates of every kind, good and bad, for the node of a test. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import type { PemPair } from '../../lib/base/secrets-bundle.js';
import { standardPrivateKeyPem } from '../../lib/pki/keys.js';
import type { TestHome } from './node.js';

const execFileAsync = promisify(execFile);

interface ClientConfig {
  context: string;
  contexts: Record<string, { endpoints: string[]; nodes?: string[]; ca: string; crt: string; key: string }>;
}

const decode = (text: string): string => Buffer.from(text, 'base64').toString('utf8');
const encode = (text: string): string => Buffer.from(text).toString('base64');

/** What the home's client configuration says about its current context. */
export async function currentContext(home: TestHome): Promise<{ endpoint: string; ca: string; client: PemPair }> {
  const config = parse(await readFile(home.environment.TALOSCONFIG ?? '', 'utf8')) as ClientConfig;
  const context = config.contexts[config.context];
  if (!context) throw new Error(`no context ${config.context}`);
  const [endpoint = ''] = context.endpoints;
  return { endpoint, ca: decode(context.ca), client: { crt: decode(context.crt), key: decode(context.key) } };
}

/** Writes a client configuration with another certificate, or other authority, and gives its path. */
export async function writeClientConfig(
  home: TestHome,
  name: string,
  change: { client?: PemPair; ca?: string; endpoint?: string },
): Promise<string> {
  const { endpoint, ca, client } = await currentContext(home);
  const { crt, key } = change.client ?? client;
  const context = {
    endpoints: [change.endpoint ?? endpoint],
    ca: encode(change.ca ?? ca),
    crt: encode(crt),
    key: encode(key),
  };
  const path = join(home.folder, `${name}.talosconfig`);
  await writeFile(path, stringify({ context: name, contexts: { [name]: context } }), { mode: 0o600 });
  return path;
}

/** The machine config on a config disk. */
export async function readConfigDisk(configDisk: string): Promise<string> {
  const { stdout } = await execFileAsync('debugfs', ['-R', 'cat config.yaml', configDisk], {
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  });
  return stdout;
}

/** The authority of the node's clients with its key, read from the config disk. */
export async function clusterAuthority(configDisk: string): Promise<PemPair> {
  const config = parse(await readConfigDisk(configDisk)) as { machine: { ca: PemPair } };
  return { crt: decode(config.machine.ca.crt), key: decode(config.machine.ca.key) };
}

/** The options of node:tls for a client certificate: OpenSSL does not know the header that the client configuration has. */
export function tlsOptions(pair: PemPair): { cert: string; key: string } {
  return { cert: pair.crt, key: standardPrivateKeyPem(pair.key) };
}
