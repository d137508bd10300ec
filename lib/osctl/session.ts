/** What a command that talks to nodes works with: the client, and the nodes meant. */
import type { Command } from 'commander';
import { TalosError } from '../base/errors.js';
import { MachineClient } from '../client/index.js';
import { contextCredentials, selectContext } from '../config/client-config.js';
import { clientConfigPaths, requireClientConfig } from '../config/client-config-file.js';
import { standardPrivateKeyPem } from '../pki/keys.js';
import { NodesFailed, UsageError } from './exit.js';
import type { GlobalFlags } from './flags.js';
import type { Io } from './io.js';

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
  /** A further client with the same credentials, for whoever must not use a connection that is there. */
  newClient(timeoutMs: number): MachineClient;
}

/**
 * Reads the client config and the flags.
 * @throws TalosError  no config, no such context, no endpoint · ClientError denied: unusable certificate
 */
export async function openSession(command: Command, io: Io): Promise<Session> {
  const flags = command.optsWithGlobals() as GlobalFlags;
  const { config } = await requireClientConfig(clientConfigPaths({ explicit: flags.talosconfig, env: io.env }));
  const { name, context } = selectContext(config, flags.context);
  const nodes = flags.nodes ?? context.nodes ?? [];
  const endpoints = [flags.endpoints, context.endpoints, nodes].find((list) => list !== undefined && list.length > 0);
  if (endpoints === undefined) {
    throw new TalosError('ERR_CONFIG_ENDPOINTS', `context ${name} has no endpoints`, {
      hint: 'set them with `osctl config endpoint HOST`, or give --endpoints',
    });
  }
  const pem = contextCredentials(context);
  const credentials = { ...pem, key: standardPrivateKeyPem(pem.key) };
  const newClient = (timeoutMs?: number) =>
    new MachineClient({ endpoints, credentials, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  return {
    client: newClient(flags.timeout),
    targets:
      nodes.length === 0
        ? [{ name: endpoints[0] as string, node: undefined }]
        : nodes.map((node) => ({ name: node, node })),
    endpoints,
    newClient,
  };
}

/** Runs with a session and closes its connections, whatever happens. */
export async function withSession<T>(command: Command, io: Io, run: (session: Session) => Promise<T>): Promise<T> {
  const session = await openSession(command, io);
  try {
    return await run(session);
  } finally {
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
export function nodeColumn(session: Session): { header: string[]; cell: (target: Target) => string[] } {
  const hasSeveral = session.targets.length > 1;
  return { header: hasSeveral ? ['NODE'] : [], cell: (target) => (hasSeveral ? [target.name] : []) };
}
