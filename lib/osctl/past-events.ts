import { decodeEvent, type MachineClient, MachineService, type NodeEvent } from '../client/index.js';

/**
 * All events that a node remembers. The stream of all of them does not say where the past ends and the present begins, so the newest one is
 * asked for first: up to there it is the past. A node without any event answers nothing to that within the client's patience.
 * @throws ClientError
 */
export async function pastEvents(client: MachineClient, node: string | undefined): Promise<NodeEvent[]> {
  const [newest] = await readEvents(client, node, 1, () => true);
  return newest === undefined ? [] : readEvents(client, node, -1, ({ id }) => id === newest.id);
}

/** Events of the past, until one is the last, the stream ends, or nothing comes any more. */
async function readEvents(
  client: MachineClient,
  node: string | undefined,
  tailEvents: number,
  isLast: (event: NodeEvent) => boolean,
): Promise<NodeEvent[]> {
  const found: NodeEvent[] = [];
  await client.reach(node);
  const signal = AbortSignal.timeout(client.timeoutMs);
  try {
    for await (const batch of client.stream(MachineService.Events, { tailEvents }, { node, signal })) {
      for (const event of batch.map(decodeEvent)) {
        if (event === undefined) continue;
        found.push(event);
        if (isLast(event)) return found;
      }
    }
  } catch (error) {
    if (error !== signal.reason) throw error;
  }
  return found;
}
