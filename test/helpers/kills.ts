/** Daemons of a booted node that are killed, and come back. */
import { decodeEvent, type MachineClient, MachineService } from '../../lib/client/index.js';
import { RESTART_DELAY } from '../../lib/os/test-parameters.js';
import { apiClient } from './api-client.js';
import { seconds } from './deadline.js';
import type { TestHome, TestNode } from './node.js';

/** Everything that a control plane keeps running. */
export const DAEMONS = ['osd', 'machined', 'networkd', 'containerd', 'trustd', 'proxyd', 'blockd'] as const;
export type Daemon = (typeof DAEMONS)[number];

/** For nodes whose daemons are killed again and again: the first delay of the back-off is all of it. */
export const SHORT_BACK_OFF = `${RESTART_DELAY}=250`;

/** Between a kill and a successor that does its work, on an emulated node on two busy processors. */
const PATIENCE_MS = seconds(60);
/** Of the newest events; more than there are between a start and the question for it. */
const TAIL_EVENTS = 200;

/** Kills daemons of one node, over one connection as long as there is the osd that it leads to. */
export class Killer implements Disposable {
  private client: Promise<MachineClient> | undefined;

  constructor(private readonly node: TestNode) {}

  /** Waits until each has started for the first time and does its work. */
  async allWell(): Promise<void> {
    for (const id of DAEMONS) await untilWell(await this.connected(), id, await started(this.node, id, 0));
  }

  /**
   * Kills it, and waits until another process does its work: says that it is well, and the API answers.
   * @returns milliseconds from its end to that
   */
  async killAndWait(id: Daemon): Promise<number> {
    const { node } = this;
    const { consoleMark: after } = node;
    const before = newestPid(node, id);
    const client = await this.connected();
    await client.unary(MachineService.ServiceStart, { id: `fault-kill-${id}` }).catch((error: unknown) => {
      // The one that is killed is the one that answers.
      if (id !== 'osd') throw error;
    });
    const end = new RegExp(`service ${id}: Ended: killed by .*; starting again in 0\\.25 s`);
    const { seenAtMs } = await node.waitForConsole(end, { after, timeoutMs: PATIENCE_MS });
    const pid = await started(node, id, after);
    if (pid === before) throw new Error(`${id} is process ${pid}, as before`);
    if (id === 'osd') {
      this.disconnect();
      await node.waitForApi(after);
    }
    await untilWell(await this.connected(), id, pid);
    // Only machined knows.
    if (id === 'machined') await (await this.connected()).unary(MachineService.Memory, {});
    return performance.now() - seenAtMs;
  }

  [Symbol.dispose](): void {
    this.disconnect();
  }

  private connected(): Promise<MachineClient> {
    this.client ??= apiClient(this.node.home);
    return this.client;
  }

  private disconnect(): void {
    void this.client?.then((client) => client.close());
    this.client = undefined;
  }
}

export interface InitFacts {
  descriptors: number;
  residentBytes: number;
  /** Of all processes of the node. */
  zombies: number;
}

/** What PID 1 has, and whom it has not reaped. */
export async function initFacts(home: TestHome): Promise<InitFacts> {
  const { stdout } = await home.succeed(['list', '/proc/1/fd']);
  const processes = await home.json<{ pid: number; state: string; residentMemory: number }[]>('processes');
  return {
    // Without the folder itself.
    descriptors: stdout.trim().split('\n').length - 1,
    residentBytes: processes.find(({ pid }) => pid === 1)?.residentMemory ?? 0,
    zombies: processes.filter(({ state }) => state === 'Z').length,
  };
}

const startOf = (id: Daemon) => new RegExp(`service ${id}: (?:Started|Runs) with process id (\\d+)`);

async function started(node: TestNode, id: Daemon, after: number): Promise<number> {
  const { text } = await node.waitForConsole(startOf(id), { after, timeoutMs: PATIENCE_MS });
  return pidIn(text, id);
}

function newestPid({ console }: TestNode, id: Daemon): number {
  return pidIn(console.lines.findLast(({ text }) => startOf(id).test(text))?.text ?? '', id);
}

const pidIn = (text: string, id: Daemon) => Number(startOf(id).exec(text)?.[1]);

/** Until that process of it says, or somebody says of it, that it is well. What was said before is in the events as well. */
async function untilWell(client: MachineClient, id: Daemon, pid: number): Promise<void> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  let isStarted = false;
  for await (const batch of client.stream(MachineService.Events, { tailEvents: TAIL_EVENTS }, { signal })) {
    for (const event of batch.map(decodeEvent)) {
      if (event?.type !== 'ServiceStateEvent' || event.source !== id) continue;
      // Of a container its start is known later than what it says itself.
      isStarted ||= new RegExp(`with process id ${pid}$`).test(event.message);
      if (isStarted && event.payload.healthy === true) return;
    }
  }
  throw new Error(`the events ended before ${id} was well`);
}
