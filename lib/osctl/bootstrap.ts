/** What `osctl bootstrap` does, apart from its definition. */
import type { Command } from 'commander';
import { MINUTE_MS } from '../base/units.js';
import { ClientError, type MachineClient, MachineService, onlyMessage } from '../client/index.js';
import type { Io } from './io.js';
import { type OutputFormat, printResult } from './output.js';
import { onlyTarget, type Target, withSession } from './session.js';

/** Whatever the user's patience is: a node looks at its clock and its disk before it answers. */
const BOOTSTRAP_TIMEOUT_MS = MINUTE_MS;

export async function bootstrap(command: Command, io: Io, format: OutputFormat): Promise<void> {
  await withSession(command, io, async (session) => {
    const target = onlyTarget(session, 'bootstrap');
    await bootstrapNode(session.client, target);
    io.stderr.write(`${target.name}: a new Kubernetes cluster begins; \`osctl health\` waits until it is there\n`);
    printResult(io, format, { node: target.name }, () => '');
  });
}

/**
 * Tells a node to begin a cluster.
 * @throws ClientError  what the node says, with what to do about it: it is a member already, a worker, or has no Kubernetes or no machine config
 */
export async function bootstrapNode(
  client: MachineClient,
  { name, node }: Target,
  options: { timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<void> {
  const { timeoutMs = Math.max(client.timeoutMs, BOOTSTRAP_TIMEOUT_MS), signal } = options;
  try {
    onlyMessage(await client.unary(MachineService.Bootstrap, {}, { node, timeoutMs, signal }), name);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    const hint = hintFor(error);
    if (hint === undefined) throw error;
    throw new ClientError(error.kind, error.message, {
      cause: error,
      hint,
      ...(error.status !== undefined && { status: error.status }),
    });
  }
}

function hintFor({ code, kind, status }: ClientError): string | undefined {
  if (code === 'ALREADY_EXISTS') return 'a cluster begins once: see with `osctl health` how it is';
  if (code === 'UNIMPLEMENTED') {
    return 'the image of the node has to have Kubernetes: `npm run image -- --kubernetes VERSION`, `osctl cluster create --kubernetes VERSION`';
  }
  // A node without a machine config has made its certificate up.
  if (kind === 'denied' && status === undefined) {
    return 'if the node has no machine config yet, give it one first: `osctl apply-config --insecure`; else see with `osctl config info` whether this is the context for that node';
  }
  return undefined;
}
