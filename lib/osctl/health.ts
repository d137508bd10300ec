/** What `osctl health` does, apart from its definition. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { formatDuration, SECOND_MS } from '../base/units.js';
import { ClientError, MachineService, type NodeEvent, onlyMessage, TimeService } from '../client/index.js';
import { NodesFailed } from './exit.js';
import { type Check, type CheckResult, failed, Look, lookAtAll, type Outcome, ok, skipped } from './health/check.js';
import { kubernetesChecks } from './health/kubernetes.js';
import { KubernetesAccess } from './health/kubernetes-access.js';
import type { Io } from './io.js';
import { type OutputFormat, printResult, table } from './output.js';
import { pastEvents } from './past-events.js';
import { Progress } from './progress.js';
import { type Session, type Target, withSession } from './session.js';
import { timestampMs } from './timestamp.js';

const AGAIN_MS = SECOND_MS;
/** Clocks that differ more make certificates and leases fail in odd ways. */
const MAX_OFFSET_MS = SECOND_MS;

/** In this order. */
const CHECKS: readonly Check[] = [
  {
    name: 'api',
    judge: async ({ session, target: { name, node } }) => {
      const { version } = onlyMessage(await session.client.unary(MachineService.Version, {}, { node }), name);
      return ok(`answers, version ${version?.tag ?? 'unknown'}`);
    },
  },
  {
    name: 'boot',
    after: 'api',
    judge: async ({ session, target }) => judgeBoot(await pastEvents(session.client, target.node)),
  },
  { name: 'services', after: 'api', judge: judgeServices },
  {
    name: 'ready',
    after: 'api',
    judge: async ({ session, target }) => judgeStatus(await pastEvents(session.client, target.node)),
  },
  { name: 'time', after: 'api', judge: judgeTime },
];

/** Prints each check with its outcome. @throws ClientError  when not all is well in time */
export async function checkHealth(command: Command, io: Io, format: OutputFormat, waitMs: number): Promise<void> {
  await withSession(command, io, async (session) => {
    const deadlineMs = Date.now() + waitMs;
    const progress = new Progress(io, session.targets);
    const results = await Promise.all(
      session.targets.map(async (target) => {
        const access = new KubernetesAccess(session, target, io.env);
        try {
          return await checkNode(session, target, { progress, access, deadlineMs });
        } finally {
          progress.clear();
          await access.close();
        }
      }),
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
  { progress, access, deadlineMs }: { progress: Progress; access: KubernetesAccess; deadlineMs: number },
): Promise<CheckResult[]> {
  const tell = (text: string) => progress.show(target, text);
  for (;;) {
    const look = new Look(session, target);
    const own = await lookAtAll(look, CHECKS, tell);
    const isReached = own.every(({ check, outcome }) => check !== 'api' || outcome === 'ok');
    const ofKubernetes = isReached ? await kubernetesChecks(look, access) : [];
    const results = [...own, ...(await lookAtAll(look, ofKubernetes, tell))];
    const bad = results.find(({ outcome }) => outcome === 'failed');
    if (bad === undefined || Date.now() >= deadlineMs) return results;
    tell(`waiting for ${bad.check}: ${bad.details}`);
    await delay(AGAIN_MS);
    // The API may have come up, or have another certificate now.
    session.client.forgetFailures();
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

async function judgeServices(look: Look): Promise<Outcome> {
  const { services } = await look.services();
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

async function judgeTime({ session, target: { name, node } }: Look): Promise<Outcome> {
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
