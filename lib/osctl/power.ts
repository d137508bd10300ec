/**
 * What `osctl reboot` and `osctl shutdown` do, apart from their definitions.
 *
 * The API tells no boot from the next, so a reboot is seen from outside: the connection over which the order was given is lost, or
 * a new one fails; and after that a new connection answers.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { formatDuration, SECOND_MS } from '../base/units.js';
import { ClientError, MachineService, onlyMessage, REBOOT_MODES } from '../client/index.js';
import type { Io } from './io.js';
import { askAll, type Session, type Target, withSession } from './session.js';

const POLL_MS = 500;
/** Patience of one question while we wait; an emulated node is slow. */
const ATTEMPT_MS = 5 * SECOND_MS;
/** Failures in a row that make a node "gone" when its connection was not seen to end. */
const FAILURES_WHEN_GONE = 2;

interface PowerOptions {
  wait: boolean;
  timeoutMs: number;
}

export async function reboot(
  command: Command,
  io: Io,
  options: PowerOptions & { mode: keyof typeof REBOOT_MODES },
): Promise<void> {
  await withSession(command, io, async (session) => {
    const { finish } = await askAll(session, async (target) => {
      const order = () =>
        session.client.unary(MachineService.Reboot, { mode: REBOOT_MODES[options.mode] }, { node: target.node });
      const watch = await give(session, target, order);
      // A lost connection is enough: if a new one answers already, it is to the next boot.
      const isGone = async () => watch.isLost() || (await watch.isGone());
      say(io, target, options.wait ? 'rebooting' : 'reboot ordered');
      if (!options.wait) return;
      const begin = Date.now();
      await until(begin + options.timeoutMs, 'the node did not go down', isGone);
      await until(begin + options.timeoutMs, 'the node did not come back', () => answers(session, target));
      say(io, target, `back after ${formatDuration(Date.now() - begin)}`);
    });
    finish();
  });
}

export async function shutdown(command: Command, io: Io, options: PowerOptions & { force: boolean }): Promise<void> {
  await withSession(command, io, async (session) => {
    const { finish } = await askAll(session, async (target) => {
      const order = () =>
        session.client.unary(MachineService.Shutdown, { force: options.force }, { node: target.node });
      const { isGone } = await give(session, target, order);
      say(io, target, options.wait ? 'shutting down' : 'shutdown ordered');
      if (!options.wait) return;
      const begin = Date.now();
      await until(begin + options.timeoutMs, 'the node is still there', isGone);
      say(io, target, `answers no more (after ${formatDuration(Date.now() - begin)})`);
    });
    finish();
  });
}

/**
 * Gives the order over a connection that is watched from before on.
 * @returns whether that connection has ended, and whether the node is gone: no new connection to be had, twice if the old one is there
 */
async function give(
  session: Session,
  target: Target,
  order: () => Promise<{ messages?: { metadata?: { error?: string | null } | null }[] | null }>,
): Promise<{ isLost: () => boolean; isGone: () => Promise<boolean> }> {
  onlyMessage(await order(), target.name);
  let isLost = false;
  session.client.lost(target.node).then(
    () => {
      isLost = true;
    },
    () => {},
  );
  let failures = 0;
  return {
    isLost: () => isLost,
    isGone: async () => {
      if (await answers(session, target)) failures = 0;
      else failures += 1;
      return failures >= (isLost ? 1 : FAILURES_WHEN_GONE);
    },
  };
}

/** Whether the node answers over a new connection. Why it does not makes no difference here: while it goes down everything happens. */
async function answers(session: Session, { name, node }: Target): Promise<boolean> {
  const client = session.newClient(ATTEMPT_MS);
  try {
    onlyMessage(await client.unary(MachineService.Version, {}, { node }), name);
    return true;
  } catch (error) {
    if (error instanceof ClientError) return false;
    throw error;
  } finally {
    client.close();
  }
}

async function until(deadlineMs: number, complaint: string, isDone: () => Promise<boolean>): Promise<void> {
  while (!(await isDone())) {
    if (Date.now() >= deadlineMs) throw new ClientError('unreachable', `${complaint} in time`);
    await delay(POLL_MS);
  }
}

function say(io: Io, target: Target, text: string): void {
  io.stderr.write(`${target.name}: ${text}\n`);
}
