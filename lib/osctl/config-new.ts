/** What `osctl config new` does, apart from its definition. */
import type { Command } from 'commander';
import { SECOND_MS, YEAR_MS } from '../base/units.js';
import { MachineService, onlyMessage } from '../client/index.js';
import { parseClientConfig, stringifyClientConfig } from '../config/client-config.js';
import { Role } from '../pki/roles.js';
import { UsageError } from './exit.js';
import type { Io } from './io.js';
import { writeNewFiles } from './new-file.js';
import { withSession } from './session.js';

export async function newConfig(
  command: Command,
  io: Io,
  path: string,
  { roles = [Role.admin], crtTtl = YEAR_MS, force = false }: { roles?: string[]; crtTtl?: number; force?: boolean },
): Promise<void> {
  const text = await withSession(
    command,
    io,
    async (session) => {
      const [target] = session.targets;
      if (target === undefined || session.targets.length > 1) {
        throw new UsageError('a client certificate comes from one node: name it with --nodes');
      }
      const request = {
        roles,
        crtTtl: { seconds: Math.floor(crtTtl / SECOND_MS), nanos: Math.round(crtTtl % SECOND_MS) * 1_000_000 },
      };
      const reply = await session.client.unary(MachineService.GenerateClientConfiguration, request, {
        node: target.node,
      });
      const { talosconfig } = onlyMessage(reply, target.name);
      const config = parseClientConfig(Buffer.from(talosconfig ?? []).toString('utf8'), 'what the node sent');
      // The way that led to the node from here is known to work; the node's own addresses may not. Several endpoints need a node that is meant.
      const way = { endpoints: [...session.endpoints], ...(target.node !== undefined && { nodes: [target.node] }) };
      const contexts = Object.fromEntries(
        Object.entries(config.contexts).map(([name, context]) => [name, { ...context, ...way }]),
      );
      return stringifyClientConfig({ ...config, contexts });
    },
    { anyEndpoint: true },
  );
  await writeNewFiles(io, [{ path, text, isSecret: true }], force);
}
