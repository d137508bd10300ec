import { decodeEvent, type MachineClient, MachineService, type NodeEvent } from '../client/index.js';

/** The stream does not say where the past ends and the present begins: when nothing more comes for so long, it was that. */
const QUIET_MS = 250;

/** All events that a node remembers. @throws ClientError */
export async function pastEvents(client: MachineClient, node: string | undefined): Promise<NodeEvent[]> {
  const found: NodeEvent[] = [];
  const stop = new AbortController();
  const isQuiet = Symbol('quiet');
  let timer: NodeJS.Timeout | undefined;
  try {
    const request = { tailEvents: -1 };
    for await (const batch of client.stream(MachineService.Events, request, { node, signal: stop.signal })) {
      clearTimeout(timer);
      found.push(...batch.map(decodeEvent).filter((event) => event !== undefined));
      timer = setTimeout(() => stop.abort(isQuiet), QUIET_MS);
    }
  } catch (error) {
    if (error !== isQuiet) throw error;
  } finally {
    clearTimeout(timer);
  }
  return found;
}
