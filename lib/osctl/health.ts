/** What `osctl health` does, apart from its definition. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { errorMessage } from '../base/errors.js';
import { formatDuration, SECOND_MS } from '../base/units.js';
import { ClientError, MachineService, type NodeEvent, onlyMessage, TimeService } from '../client/index.js';
import { NodesFailed } from './exit.js';
import type { Io } from './io.js';
import { type OutputFormat, printResult, table } from './output.js';
import { pastEvents } from './past-events.js';
import { Progress } from './progress.js';
import { type Session, type Target, withSession } from './session.js';
import { timestampMs } from './timestamp.js';

export interface CheckResult {
  node: string;
  check: string;
  outcome: 'ok' | 'failed' | 'skipped';
  details: string;
}

type Outcome = Omit<CheckResult, 'node' | 'check'>;

const AGAIN_MS = SECOND_MS;
/** Clocks that differ more make certificates and leases fail in odd ways. */
const MAX_OFFSET_MS = SECOND_MS;

const ok = (details: string): Outcome => ({ outcome: 'ok', details });
const failed = (details: string): Outcome => ({ outcome: 'failed', details });
const skipped = (details: string): Outcome => ({ outcome: 'skipped', details });

interface Check {
  name: string;
  look(session: Session, target: Target): Promise<Outcome>;
}

/** In this order; the first one answers for whether there is any sense in the others. */
const CHECKS: readonly Check[] = [
  {
    name: 'api',
    look: async (session, { name, node }) => {
      const { version } = onlyMessage(await session.client.unary(MachineService.Version, {}, { node }), name);
      return ok(`answers, version ${version?.tag ?? 'unknown'}`);
    },
  },
  { name: 'boot', look: async (session, target) => judgeBoot(await pastEvents(session.client, target.node)) },
  { name: 'services', look: judgeServices },
  { name: 'ready', look: async (session, target) => judgeStatus(await pastEvents(session.client, target.node)) },
  { name: 'time', look: judgeTime },
];

/** Prints each check with its outcome. @throws ClientError  when not all is well in time */
export async function checkHealth(command: Command, io: Io, format: OutputFormat, waitMs: number): Promise<void> {
  await withSession(command, io, async (session) => {
    const deadlineMs = Date.now() + waitMs;
    const progress = new Progress(io, session.targets);
    const results = await Promise.all(
      session.targets.map((target) => checkNode(session, target, progress, deadlineMs).finally(() => progress.clear())),
    );
    const rows = results.flat();
    printResult(io, format, rows, () =>
      table(
        ['NODE', 'CHECK', 'OUTCOME', 'DETAILS'],
        rows.map(({ node, check, outcome, details }) => [node, check, outcome, details]),
      ),
    );
    const bad = rows.filter(({ outcome }) => outcome === 'failed');
    if (bad.length === 0) return;
    const failures = bad.map(({ node, check }) => ({ node, error: new ClientError('failed', `${check} is not well`) }));
    if (session.targets.length > 1) throw new NodesFailed(failures);
    throw new ClientError('failed', `not well: ${bad.map(({ check }) => check).join(', ')}`);
  });
}

/** All checks, again and again until they are well or there is no more time; then each as it was last. */
async function checkNode(
  session: Session,
  target: Target,
  progress: Progress,
  deadlineMs: number,
): Promise<CheckResult[]> {
  for (;;) {
    const results: CheckResult[] = [];
    for (const { name, look } of CHECKS) {
      progress.show(target, `checking ${name}`);
      const isCut = results.some(({ check, outcome }) => check === 'api' && outcome === 'failed');
      const outcome = isCut ? skipped('the API does not answer') : await lookAt(look, session, target);
      results.push({ node: target.name, check: name, ...outcome });
    }
    const bad = results.find(({ outcome }) => outcome === 'failed');
    if (bad === undefined || Date.now() >= deadlineMs) return results;
    progress.show(target, `waiting for ${bad.check}: ${bad.details}`);
    await delay(AGAIN_MS);
  }
}

/** A node that does not serve what a check asks for is not unwell for that; nor is one that does not let us. */
async function lookAt(look: Check['look'], session: Session, target: Target): Promise<Outcome> {
  try {
    return await look(session, target);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    if (error.code === 'UNIMPLEMENTED') return skipped('the node does not serve it');
    return failed(errorMessage(error));
  }
}

function judgeBoot(events: readonly NodeEvent[]): Outcome {
  const steps = events.filter(({ type, source }) => type === 'SequenceEvent' && source === 'boot');
  const failure = steps.find(({ payload }) => payload.error !== undefined);
  if (failure) return failed(`the boot failed: ${failure.payload.error}`);
  const problem = events.findLast(({ type }) => /^Config(Load|Validation)ErrorEvent$/.test(type));
  const isReady = events.some(({ type, payload }) => type === 'MachineStatusEvent' && payload.ready === true);
  if (problem && !isReady) return failed(`the machine config: ${problem.payload.error}`);
  const end = steps.findLast(({ payload }) => payload.action === 'STOP');
  if (end) return ok('done');
  return steps.length > 0 ? failed('still booting') : skipped('the node remembers no boot any more');
}

function judgeStatus(events: readonly NodeEvent[]): Outcome {
  const last = events.findLast(({ type }) => type === 'MachineStatusEvent');
  if (last === undefined) return skipped('the node does not say');
  return last.payload.ready === true ? ok(String(last.payload.stage)) : failed(`${last.source}: ${last.message}`);
}

async function judgeServices(session: Session, { name, node }: Target): Promise<Outcome> {
  const { services } = onlyMessage(await session.client.unary(MachineService.ServiceList, {}, { node }), name);
  const bad = (services ?? []).flatMap(({ id, state, health }) => {
    if (state === 'Failed') return [`${id} has failed: ${health?.lastMessage ?? ''}`];
    if (state === 'Running' && health && !health.unknown && !health.healthy) {
      return [`${id} is not healthy: ${health.lastMessage ?? ''}`];
    }
    return [];
  });
  const running = (services ?? []).filter(({ state }) => state === 'Running').map(({ id }) => id);
  return bad.length > 0 ? failed(bad.join('; ')) : ok(`running: ${running.join(', ')}`);
}

async function judgeTime(session: Session, { name, node }: Target): Promise<Outcome> {
  try {
    const { server, localtime, remotetime } = onlyMessage(
      await session.client.unary(TimeService.Time, {}, { node }),
      name,
    );
    const offsetMs = Math.round(timestampMs(remotetime) - timestampMs(localtime));
    const text = `${formatDuration(Math.abs(offsetMs))} ${offsetMs < 0 ? 'ahead of' : 'behind'} ${server}`;
    return Math.abs(offsetMs) > MAX_OFFSET_MS ? failed(text) : ok(text);
  } catch (error) {
    if (error instanceof ClientError && error.code === 'FAILED_PRECONDITION') {
      return skipped('the node has no time server');
    }
    throw error;
  }
}
