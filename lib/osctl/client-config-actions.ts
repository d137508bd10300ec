/** What `osctl config …` does, apart from its definitions. */
import type { Command } from 'commander';
import { readText } from '../base/read-file.js';
import { formatDuration } from '../base/units.js';
import { isEndpoint } from '../client/endpoint.js';
import {
  type ClientConfig,
  type ClientContext,
  contextCredentials,
  parseClientConfig,
  removeContext,
  selectContext,
} from '../config/client-config.js';
import {
  changeClientConfig,
  clientConfigPaths,
  mergeIntoClientConfig,
  requireClientConfig,
} from '../config/client-config-file.js';
import { UsageError } from './exit.js';
import type { GlobalFlags } from './flags.js';
import type { Io } from './io.js';
import { fields, outputFormat, printResult, table } from './output.js';

function paths(command: Command, io: Io): string[] {
  const { talosconfig } = command.optsWithGlobals() as GlobalFlags;
  return clientConfigPaths({ explicit: talosconfig, env: io.env });
}

function contextFlag(command: Command): string | undefined {
  return (command.optsWithGlobals() as GlobalFlags).context;
}

/** Changes a config that must be there. @throws ERR_CONFIG_NOT_FOUND */
async function changeExisting(
  command: Command,
  io: Io,
  change: (config: ClientConfig) => ClientConfig | undefined,
): Promise<void> {
  const { path } = await requireClientConfig(paths(command, io));
  await changeClientConfig([path], change);
}

function changeContext(command: Command, io: Io, change: Partial<ClientContext>): Promise<void> {
  return changeExisting(command, io, (config) => {
    const { name, context } = selectContext(config, contextFlag(command));
    return { ...config, contexts: { ...config.contexts, [name]: { ...context, ...change } } };
  });
}

export async function addContext(
  command: Command,
  io: Io,
  name: string,
  files: { ca: string; crt: string; key: string },
): Promise<void> {
  const { decodePrivateKey, parseCertificate } = await import('../pki/index.js');
  const [ca, crt, key] = await Promise.all([files.ca, files.crt, files.key].map((file) => readText(file)));
  // Refused here rather than at the first call.
  parseCertificate(ca as string);
  parseCertificate(crt as string);
  decodePrivateKey(key as string);
  const base64 = (text: string | undefined) => Buffer.from(text ?? '').toString('base64');
  const context: ClientContext = { endpoints: [], ca: base64(ca), crt: base64(crt), key: base64(key) };
  await changeClientConfig(paths(command, io), (config) => {
    if (Object.hasOwn(config.contexts, name))
      throw new UsageError(`context ${name} exists already`, 'remove it with `osctl config remove`');
    return {
      ...config,
      context: config.context === '' ? name : config.context,
      contexts: { ...config.contexts, [name]: context },
    };
  });
}

export async function useContext(command: Command, io: Io, name: string): Promise<void> {
  await changeExisting(command, io, (config) => {
    selectContext(config, name);
    return { ...config, context: name };
  });
}

export async function listContexts(command: Command, io: Io): Promise<void> {
  const { config } = await requireClientConfig(paths(command, io));
  const views = Object.entries(config.contexts)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, { endpoints = [], nodes = [] }]) => ({ name, isCurrent: name === config.context, endpoints, nodes }));
  printResult(io, outputFormat(command), views, () =>
    table(
      ['CURRENT', 'NAME', 'ENDPOINTS', 'NODES'],
      views.map((view) => [view.isCurrent ? '*' : '', view.name, view.endpoints.join(','), view.nodes.join(',')]),
    ),
  );
}

export async function setEndpoints(command: Command, io: Io, endpoints: string[]): Promise<void> {
  const wrong = endpoints.find((endpoint) => !isEndpoint(endpoint));
  if (wrong !== undefined) throw new UsageError(`${JSON.stringify(wrong)} is not an endpoint: write host or host:port`);
  await changeContext(command, io, { endpoints });
}

export async function setNodes(command: Command, io: Io, nodes: string[]): Promise<void> {
  const wrong = nodes.find((node) => !isEndpoint(node));
  if (wrong !== undefined) throw new UsageError(`${JSON.stringify(wrong)} is not the name or the address of a node`);
  await changeContext(command, io, { nodes });
}

export async function showInfo(command: Command, io: Io): Promise<void> {
  const { parseCertificate } = await import('../pki/index.js');
  const { path, config } = await requireClientConfig(paths(command, io));
  const { name, context } = selectContext(config, contextFlag(command));
  const { crt } = contextCredentials(context);
  const certificate = crt === '' ? undefined : parseCertificate(crt);
  const view = {
    file: path,
    context: name,
    endpoints: context.endpoints ?? [],
    nodes: context.nodes ?? [],
    roles: certificate?.organizations ?? [],
    certificateExpires: certificate?.notAfter.toISOString() ?? '',
  };
  printResult(io, outputFormat(command), view, () =>
    fields([
      ['Config file:', view.file],
      ['Context:', view.context],
      ['Endpoints:', view.endpoints.join(', ') || 'none'],
      ['Nodes:', view.nodes.join(', ') || noNodes(view.endpoints)],
      ['Roles:', view.roles.join(', ') || 'none'],
      ['Certificate:', certificate === undefined ? 'none' : expiry(certificate.notAfter)],
    ]),
  );
}

function noNodes(endpoints: readonly string[]): string {
  return endpoints.length > 1 ? 'none: commands need --nodes' : 'none: the endpoint itself';
}

export async function mergeFile(command: Command, io: Io, file: string): Promise<void> {
  const other = parseClientConfig(await readText(file), file);
  for (const [from, to] of await mergeIntoClientConfig(paths(command, io), other))
    io.stderr.write(`context ${from} is called ${to} here, its name was taken\n`);
}

/** @param pattern  `*` and `?` stand for other letters */
export async function remove(command: Command, io: Io, pattern: string, isDryRun: boolean): Promise<void> {
  const letters = [...pattern].map(
    (letter) => ({ '*': '.*', '?': '.' })[letter] ?? letter.replace(/[\\^$.|+()[\]{}/]/, '\\$&'),
  );
  const expression = new RegExp(`^${letters.join('')}$`, 'su');
  let names: string[] = [];
  let isSelected = false;
  await changeExisting(command, io, (config) => {
    names = Object.keys(config.contexts).filter((name) => expression.test(name));
    isSelected = names.includes(config.context);
    // Says which there are.
    if (names.length === 0) selectContext(config, pattern);
    return isDryRun ? undefined : names.reduce(removeContext, config);
  });
  for (const name of names) io.stderr.write(`${isDryRun ? 'would remove' : 'removed'} context ${name}\n`);
  if (isSelected && !isDryRun) io.stderr.write('no context is selected now\n');
}

function expiry(notAfter: Date): string {
  const leftMs = notAfter.getTime() - Date.now();
  if (leftMs <= 0) return `expired at ${notAfter.toISOString()}`;
  const days = Math.floor(leftMs / 86_400_000);
  return `expires in ${days > 0 ? `${days} days` : formatDuration(leftMs)} (${notAfter.toISOString()})`;
}
