/** What a command that talks to nodes works with: the client, and the nodes meant. */
import type { Command } from 'commander';
import { TalosError } from '../base/errors.js';
import { MachineClient } from '../client/index.js';
import { clientConfigPaths } from '../config/client-config-file.js';
import { usableContext } from './client-context.js';
import { NodesFailed, UsageError } from './exit.js';
import type { GlobalFlags } from './flags.js';
import type { Io } from './io.js';
import type { Column } from './row-printer.js';

/** A node that a call goes to. */
export interface Target {
  /** For people. */
  name: string;
  /** For the request's metadata; absent when the endpoint itself is meant. */
  node: string | undefined;
}

export interface Session {
  client: MachineClient;
  targets: Target[];
  /** Where the client connects to. */
  endpoints: readonly string[];
  /** The one for a node: each has its own where there is nobody who passes calls on. */
  clientOf(target: Target): MachineClient;
  /** A further client with the same credentials, for whoever must not use a connection that is there. */
  newClient(timeoutMs: number): MachineClient;
}

/**
 * Reads the client config and the flags.
 * @throws TalosError  no config, no such context, no endpoint, no way to a node · ConfigError  something in it that cannot be used
 * @throws UsageError  no way to a node of --nodes, or no node is named and there are several endpoints
 */
export async function openSession(
  command: Command,
  io: Io,
  { anyEndpoint = false }: Pick<SessionOptions, 'anyEndpoint'> = {},
): Promise<Session> {
  const flags = command.optsWithGlobals() as GlobalFlags;
  const paths = clientConfigPaths({ explicit: flags.talosconfig, env: io.env });
  const { name, context, credentials } = await usableContext(paths, flags.context);
  // A node that is named twice is meant once: some commands do something.
  const nodes = [...new Set(flags.nodes ?? context.nodes)];
  const endpoints = [flags.endpoints, context.endpoints, nodes].find((list) => list !== undefined && list.length > 0);
  if (endpoints === undefined) {
    throw new TalosError('ERR_CONFIG_ENDPOINTS', `context ${name} has no endpoints`, {
      hint: 'set them with `osctl config endpoint HOST`, or give --endpoints',
    });
  }
  if (nodes.length === 0 && endpoints.length > 1 && !anyEndpoint) throw whichNode(endpoints);
  // One listener for all: whoever waits for a node asks with a new client each time. Closing one again does nothing.
  const clients: MachineClient[] = [];
  const closeAll = () => {
    for (const client of clients) client.close();
  };
  io.abandoned?.addEventListener('abort', closeAll, { once: true });
  const newClient = (timeoutMs?: number) => {
    const client = new MachineClient({ endpoints, credentials, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
    clients.push(client);
    return client;
  };
  const client = newClient(flags.timeout);
  for (const node of nodes) checkNode(client, node, flags.nodes !== undefined);
  return {
    client,
    targets:
      nodes.length === 0
        ? [{ name: endpoints[0] as string, node: undefined }]
        : nodes.map((node) => ({ name: node, node })),
    endpoints,
    clientOf: () => client,
    newClient,
  };
}

/**
 * Refuses a node that no call can reach before a command begins with any of them.
 * @param isFlag  whether it was typed just now, which makes it a mistake in the command line
 */
function checkNode(client: MachineClient, node: string, isFlag: boolean): void {
  try {
    client.checkNode(node);
  } catch (error) {
    client.close();
    if (isFlag && error instanceof TalosError) throw new UsageError(error.message, error.hint);
    throw error;
  }
}

/** Several endpoints take turns: without a node each call of a command would be for another one, a reboot too. */
function whichNode(endpoints: readonly string[]): UsageError {
  return new UsageError(
    `no node is named, and there are several endpoints: ${endpoints.join(', ')}`,
    'say which node is meant with --nodes, or for good with `osctl config node`',
  );
}

/** Flags of a command that talks to a node without a machine config, too. */
export interface InsecureFlags {
  insecure?: boolean;
  certFingerprint?: string[];
}

export interface SessionOptions extends InsecureFlags {
  /** The answer is the same whoever gives it: without a node any endpoint will do. */
  anyEndpoint?: boolean;
}

/**
 * A session with nodes that have no machine config: nothing is read but the flags.
 * @throws UsageError  no node is named, or a fingerprint is none
 */
function openInsecureSession(command: Command, io: Io, fingerprints: readonly string[]): Session {
  const flags = command.optsWithGlobals() as GlobalFlags;
  const nodes = [...new Set(flags.nodes ?? flags.endpoints)];
  const [first] = nodes;
  if (first === undefined) throw new UsageError('--insecure is for nodes that are named: give --nodes');
  const clients = new Map<string, MachineClient>();
  const newClient = (endpoint: string, timeoutMs = flags.timeout) =>
    new MachineClient({
      endpoints: [endpoint],
      credentials: { fingerprints },
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
  for (const node of nodes) clients.set(node, newClient(node));
  const closeAll = () => {
    for (const client of clients.values()) client.close();
  };
  io.abandoned?.addEventListener('abort', closeAll, { once: true });
  const clientOf = ({ name }: Target) => clients.get(name) as MachineClient;
  const targets = nodes.map((node) => ({ name: node, node: undefined }));
  const client = clientOf({ name: first, node: undefined });
  return { client, targets, endpoints: nodes, clientOf, newClient: (timeoutMs) => newClient(first, timeoutMs) };
}

/** Runs with a session and closes its connections, whatever happens. */
export async function withSession<T>(
  command: Command,
  io: Io,
  run: (session: Session) => Promise<T>,
  { insecure = false, certFingerprint = [], anyEndpoint = false }: SessionOptions = {},
): Promise<T> {
  if (!insecure && certFingerprint.length > 0) throw new UsageError('--cert-fingerprint goes with --insecure');
  const session = insecure
    ? openInsecureSession(command, io, certFingerprint)
    : await openSession(command, io, { anyEndpoint });
  try {
    return await run(session);
  } finally {
    for (const target of session.targets) session.clientOf(target).close();
    session.client.close();
  }
}

/**
 * Asks all nodes at once. With one node its failure is the command's; of several those that answered are returned, and `finish`, to be
 * called after they were printed, throws what failed.
 */
export async function askAll<T>(
  session: Session,
  ask: (target: Target) => Promise<T>,
): Promise<{ answers: { target: Target; value: T }[]; finish: () => void }> {
  const [only] = session.targets;
  if (session.targets.length === 1 && only !== undefined) {
    return { answers: [{ target: only, value: await ask(only) }], finish: () => {} };
  }
  const settled = await Promise.allSettled(session.targets.map(ask));
  const answers: { target: Target; value: T }[] = [];
  const failures: { node: string; error: unknown }[] = [];
  for (const [index, result] of settled.entries()) {
    const target = session.targets[index] as Target;
    if (result.status === 'fulfilled') answers.push({ target, value: result.value });
    else failures.push({ node: target.name, error: result.reason });
  }
  const finish = () => {
    if (failures.length > 0) throw new NodesFailed(failures);
  };
  return { answers, finish };
}

/** The node of a command that is for one at a time. @throws UsageError  several are meant */
export function onlyTarget(session: Session, command: string): Target {
  const [only, ...others] = session.targets;
  if (only === undefined || others.length > 0) {
    throw new UsageError(
      `${command} is for one node at a time, and ${session.targets.length} are meant: name one with --nodes`,
    );
  }
  return only;
}

/** The NODE column, which is there only when several nodes were asked. */
export function nodeColumn(session: Session): {
  header: string[];
  columns: Column[];
  cell: (target: Target) => string[];
} {
  if (session.targets.length <= 1) return { header: [], columns: [], cell: () => [] };
  const width = Math.max(...session.targets.map(({ name }) => name.length));
  return { header: ['NODE'], columns: [{ title: 'NODE', width }], cell: ({ name }) => [name] };
}
