/** What `osctl config …` does, apart from its definitions. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { formatDuration } from '../base/units.js';
import {
  type ClientConfig,
  type ClientContext,
  contextCredentials,
  emptyClientConfig,
  mergeClientConfig,
  parseClientConfig,
  removeContext,
  selectContext,
} from '../config/client-config.js';
import {
  clientConfigPaths,
  readClientConfig,
  requireClientConfig,
  writeClientConfig,
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

/** Reads the config, or begins an empty one where the search begins. */
async function readOrNew(command: Command, io: Io): Promise<{ path: string; config: ClientConfig }> {
  const candidates = paths(command, io);
  return (await readClientConfig(candidates)) ?? { path: candidates[0] as string, config: emptyClientConfig() };
}

async function changeContext(command: Command, io: Io, change: Partial<ClientContext>): Promise<void> {
  const { path, config } = await requireClientConfig(paths(command, io));
  const { name, context } = selectContext(config, contextFlag(command));
  await writeClientConfig(path, { ...config, contexts: { ...config.contexts, [name]: { ...context, ...change } } });
}

export async function addContext(
  command: Command,
  io: Io,
  name: string,
  files: { ca: string; crt: string; key: string },
): Promise<void> {
  const { decodePrivateKey, parseCertificate } = await import('../pki/index.js');
  const [ca, crt, key] = await Promise.all([files.ca, files.crt, files.key].map((file) => readFile(file, 'utf8')));
  // Refused here rather than at the first call.
  parseCertificate(ca as string);
  parseCertificate(crt as string);
  decodePrivateKey(key as string);
  const { path, config } = await readOrNew(command, io);
  if (Object.hasOwn(config.contexts, name))
    throw new UsageError(`context ${name} exists already`, 'remove it with `osctl config remove`');
  const base64 = (text: string | undefined) => Buffer.from(text ?? '').toString('base64');
  const context: ClientContext = { endpoints: [], ca: base64(ca), crt: base64(crt), key: base64(key) };
  await writeClientConfig(path, {
    ...config,
    context: config.context === '' ? name : config.context,
    contexts: { ...config.contexts, [name]: context },
  });
}

export async function useContext(command: Command, io: Io, name: string): Promise<void> {
  const { path, config } = await requireClientConfig(paths(command, io));
  selectContext(config, name);
  await writeClientConfig(path, { ...config, context: name });
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
  const { parseEndpoint } = await import('../client/endpoint.js');
  for (const endpoint of endpoints) parseEndpoint(endpoint);
  await changeContext(command, io, { endpoints });
}

export async function setNodes(command: Command, io: Io, nodes: string[]): Promise<void> {
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
      ['Nodes:', view.nodes.join(', ') || 'none: the endpoint itself'],
      ['Roles:', view.roles.join(', ') || 'none'],
      ['Certificate:', certificate === undefined ? 'none' : expiry(certificate.notAfter)],
    ]),
  );
}

export async function mergeFile(command: Command, io: Io, file: string): Promise<void> {
  const other = parseClientConfig(await readFile(file, 'utf8'), file);
  const { path, config } = await readOrNew(command, io);
  const merged = mergeClientConfig(config, other);
  await writeClientConfig(path, merged.config);
  for (const [from, to] of merged.renamed)
    io.stderr.write(`context ${from} is called ${to} here, its name was taken\n`);
}

/** @param pattern  `*` and `?` stand for other letters */
export async function remove(command: Command, io: Io, pattern: string, isDryRun: boolean): Promise<void> {
  const { path, config } = await requireClientConfig(paths(command, io));
  const letters = [...pattern].map(
    (letter) => ({ '*': '.*', '?': '.' })[letter] ?? letter.replace(/[\\^$.|+()[\]{}/]/, '\\$&'),
  );
  const expression = new RegExp(`^${letters.join('')}$`, 'su');
  const names = Object.keys(config.contexts).filter((name) => expression.test(name));
  // Says which there are.
  if (names.length === 0) selectContext(config, pattern);
  for (const name of names) io.stderr.write(`${isDryRun ? 'would remove' : 'removed'} context ${name}\n`);
  if (isDryRun) return;
  await writeClientConfig(path, names.reduce(removeContext, config));
  if (names.includes(config.context)) io.stderr.write('no context is selected now\n');
}

function expiry(notAfter: Date): string {
  const leftMs = notAfter.getTime() - Date.now();
  if (leftMs <= 0) return `expired at ${notAfter.toISOString()}`;
  const days = Math.floor(leftMs / 86_400_000);
  return `expires in ${days > 0 ? `${days} days` : formatDuration(leftMs)} (${notAfter.toISOString()})`;
}
