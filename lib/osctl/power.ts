/** What `osctl reboot`, `shutdown` and `reset` do, apart from their definitions. */
import type { Command } from 'commander';
import { formatDuration } from '../base/units.js';
import { ClientError, MachineService, type NodeEvent, onlyMessage, REBOOT_MODES, WIPE_MODES } from '../client/index.js';
import { ActorFollower } from './actor.js';
import type { Io } from './io.js';
import { NodeWatch, readBootId, until, untilReady } from './node-watch.js';
import { Progress } from './progress.js';
import { askAll, type Session, type Target, withSession } from './session.js';

interface PowerOptions {
  wait: boolean;
  timeoutMs: number;
}

export interface ResetFlags {
  graceful: boolean;
  reboot: boolean;
  systemLabelsToWipe?: string[];
  userDisksToWipe?: string[];
  wipeMode: keyof typeof WIPE_MODES;
}

interface Order {
  /** 'reboot': for "reboot ordered". */
  noun: string;
  /** 'rebooting'. */
  doing: string;
  comesBack: boolean;
  give(session: Session, target: Target): Promise<{ actorId?: string | null }>;
}

export async function reboot(
  command: Command,
  io: Io,
  options: PowerOptions & { mode: keyof typeof REBOOT_MODES },
): Promise<void> {
  await order(command, io, options, {
    noun: 'reboot',
    doing: 'rebooting',
    comesBack: true,
    give: async ({ client }, { name, node }) =>
      onlyMessage(await client.unary(MachineService.Reboot, { mode: REBOOT_MODES[options.mode] }, { node }), name),
  });
}

export async function shutdown(command: Command, io: Io, options: PowerOptions & { force: boolean }): Promise<void> {
  await order(command, io, options, {
    noun: 'shutdown',
    doing: 'shutting down',
    comesBack: false,
    give: async ({ client }, { name, node }) =>
      onlyMessage(await client.unary(MachineService.Shutdown, { force: options.force }, { node }), name),
  });
}

export async function reset(command: Command, io: Io, options: PowerOptions & ResetFlags): Promise<void> {
  const request = {
    graceful: options.graceful,
    reboot: options.reboot,
    systemPartitionsToWipe: (options.systemLabelsToWipe ?? []).map((label) => ({ label, wipe: true })),
    userDisksToWipe: options.userDisksToWipe ?? [],
    mode: WIPE_MODES[options.wipeMode],
  };
  await order(command, io, options, {
    noun: 'reset',
    doing: 'resetting',
    comesBack: options.reboot,
    // Answered when the node has left its cluster, its pods before it.
    give: async ({ client }, { name, node }) =>
      onlyMessage(await client.unary(MachineService.Reset, request, { node, timeoutMs: options.timeoutMs }), name),
  });
}

/** Gives the order to all nodes, and waits for what becomes of it. */
async function order(command: Command, io: Io, options: PowerOptions, what: Order): Promise<void> {
  await withSession(command, io, async (session) => {
    const progress = new Progress(io, session.targets);
    const { finish } = await askAll(session, (target) =>
      carryOut(session, target, progress, options, what).finally(() => progress.clear()),
    );
    finish();
  });
}

async function carryOut(
  session: Session,
  target: Target,
  progress: Progress,
  options: PowerOptions,
  what: Order,
): Promise<void> {
  if (!options.wait) {
    await what.give(session, target);
    progress.say(target, `${what.noun} ordered`);
    return;
  }
  const bootId = what.comesBack ? await readBootId(session, target) : undefined;
  const follower = new ActorFollower(session, target, (event) => progress.show(target, describe(event)));
  try {
    const hasEvents = await follower.isOpen;
    const watch = new NodeWatch(session, target);
    const { actorId } = await what.give(session, target);
    const beginMs = Date.now();
    follower.follow(actorId ?? '');
    progress.say(target, what.doing);
    const wait = { session, target, progress, watch, deadlineMs: beginMs + options.timeoutMs };
    if (what.comesBack) await untilBack(wait, bootId, hasEvents);
    else
      await until(
        wait.deadlineMs,
        () => 'the node is still there',
        // osd is stopped last, and tells of the way down until then.
        async () => (await watch.isGone()) && !follower.isFollowing,
      );
    const took = formatDuration(Date.now() - beginMs);
    progress.say(target, what.comesBack ? `back after ${took}` : `answers no more (after ${took})`);
    if (follower.problem !== undefined) throw new ClientError('failed', `the node says: ${follower.problem}`);
  } finally {
    follower.close();
  }
}

interface Wait {
  session: Session;
  target: Target;
  progress: Progress;
  watch: NodeWatch;
  deadlineMs: number;
}

/**
 * Waits for the next boot: the node's boot id is another one. Where that cannot be read, the node must be seen to go and to come back.
 * Then it has time to become ready, if it tells that.
 */
async function untilBack(
  { session, target, progress, watch, deadlineMs }: Wait,
  bootId: string | undefined,
  hasEvents: boolean,
): Promise<void> {
  if (bootId === undefined) {
    await until(
      deadlineMs,
      () => 'the node did not go down',
      () => watch.wentDown(),
    );
    progress.show(target, 'waiting for the node to come back');
    await until(
      deadlineMs,
      () => 'the node did not come back',
      () => watch.answers(),
    );
  } else {
    let wasGone = false;
    const complaint = () => (wasGone ? 'the node did not come back' : 'the node did not go down');
    await until(deadlineMs, complaint, async () => {
      const now = await readBootId(session, target);
      if (now === undefined && !wasGone) progress.show(target, 'waiting for the node to come back');
      wasGone ||= now === undefined;
      return now !== undefined && now !== bootId;
    });
  }
  if (!hasEvents) return;
  progress.show(target, 'waiting for the node to be ready');
  await untilReady(session, target, deadlineMs, () => 'the node is back, but not ready');
}

function describe({ type, source, message }: NodeEvent): string {
  const kind = type.replace(/(State)?Event$/, '').toLowerCase();
  return `${kind} ${source}: ${message}`;
}
