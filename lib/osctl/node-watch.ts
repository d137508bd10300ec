/** Whether a node is there, gone, or back, seen from outside. */
import { setTimeout as delay } from 'node:timers/promises';
import { SECOND_MS } from '../base/units.js';
import { ClientError, decodeEvent, MachineService, onlyMessage } from '../client/index.js';
import type { Session, Target } from './session.js';

const POLL_MS = 500;
/** Patience of one question while we wait; an emulated node is slow. */
const ATTEMPT_MS = 5 * SECOND_MS;
/** On one connection: one that was cut without a word says nothing any more. */
const LISTEN_MS = 30 * SECOND_MS;
/** Failures in a row that make a node "gone" when its connection was not seen to end. */
const FAILURES_WHEN_GONE = 2;
/** Another one with each boot. */
const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id';

/** Watches the connection over which an order is given, and whether new ones can be made. */
export class NodeWatch {
  private isLost = false;
  private failures = 0;

  constructor(
    private readonly session: Session,
    private readonly target: Target,
  ) {
    session.client.lost(target.node).then(
      () => {
        this.isLost = true;
      },
      () => {},
    );
  }

  /** No new connection can be made; twice, if the old one is still there. */
  async isGone(): Promise<boolean> {
    if (await this.answers()) this.failures = 0;
    else this.failures += 1;
    return this.failures >= (this.isLost ? 1 : FAILURES_WHEN_GONE);
  }

  /** It has gone, or was gone: a lost connection is enough, since a new one that answers already is to the next boot. */
  async wentDown(): Promise<boolean> {
    return this.isLost || (await this.isGone());
  }

  /** It answers over a new connection. Why it does not makes no difference here: while it goes down everything happens. */
  async answers(): Promise<boolean> {
    const { name, node } = this.target;
    const answer = await attempt(this.session, async (client) =>
      onlyMessage(await client.unary(MachineService.Version, {}, { node }), name),
    );
    return answer !== undefined;
  }
}

/** undefined when the node does not answer, or not to our role: reading files is for administrators. */
export function readBootId(session: Session, { node }: Target): Promise<string | undefined> {
  return attempt(session, async (client) => {
    const pieces: Uint8Array[] = [];
    for await (const batch of client.stream(MachineService.Read, { path: BOOT_ID_FILE }, { node })) {
      for (const { bytes } of batch) if (bytes) pieces.push(bytes);
    }
    const id = Buffer.concat(pieces).toString('latin1').trim();
    return id === '' ? undefined : id;
  });
}

/**
 * Resolves when the node has said in this boot that it is ready. It is listened to: each question over a connection of its own would take processor time from a
 * node that is just starting.
 * @throws ClientError unreachable  with the complaint, at the deadline
 */
export async function untilReady(
  session: Session,
  { node }: Target,
  deadlineMs: number,
  complaint: () => string,
): Promise<void> {
  const listen = async (client: Session['client']) => {
    for await (const batch of client.stream(MachineService.Events, { tailEvents: -1 }, { node })) {
      const events = batch.map(decodeEvent);
      if (events.some((event) => event?.type === 'MachineStatusEvent' && event.payload.ready === true)) return true;
    }
    return undefined;
  };
  // It may be gone again, or be cut off: then there is another connection.
  await until(deadlineMs, complaint, async () => {
    return (await attempt(session, listen, Math.min(LISTEN_MS, deadlineMs - Date.now()))) === true;
  });
}

/** @throws ClientError unreachable  with the complaint, at the deadline */
export async function until(
  deadlineMs: number,
  complaint: () => string,
  isDone: () => Promise<boolean>,
): Promise<void> {
  while (!(await isDone())) {
    if (Date.now() >= deadlineMs) throw new ClientError('unreachable', `${complaint()} in time`);
    await delay(POLL_MS);
  }
}

/** Over a new connection, which is closed after `patienceMs`; undefined when it fails, however. */
async function attempt<T>(
  session: Session,
  ask: (client: Session['client']) => Promise<T>,
  patienceMs = 2 * ATTEMPT_MS,
): Promise<T | undefined> {
  const client = session.newClient(ATTEMPT_MS);
  const timer = setTimeout(() => client.close(), patienceMs);
  try {
    return await ask(client);
  } catch (error) {
    if (error instanceof ClientError) return undefined;
    throw error;
  } finally {
    clearTimeout(timer);
    client.close();
  }
}
