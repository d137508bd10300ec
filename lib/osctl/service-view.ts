/** What `osctl service` does, apart from its definition. */
import type { Command } from 'commander';
import { formatDuration, MINUTE_MS } from '../base/units.js';
import { ClientError, MachineService, onlyMessage } from '../client/index.js';
import type { Io } from './io.js';
import { fields, type OutputFormat, printResult, table } from './output.js';
import { askAll, nodeColumn, type Session, type Target, withSession } from './session.js';

interface ServiceEventView {
  state: string;
  message: string;
  time: string;
}

interface ServiceView {
  node: string;
  id: string;
  state: string;
  health: 'OK' | 'Fail' | '?';
  lastMessage: string;
  lastChange: string;
  events: ServiceEventView[];
}

/** A service has its own time to stop in, then to start again: the node gives up before we do. */
const CONTROL_TIMEOUT_MS = 2 * MINUTE_MS;
/** Events that the view of one service shows. */
const MAX_EVENTS = 16;

export async function listServices(command: Command, io: Io, format: OutputFormat): Promise<void> {
  await withSession(command, io, async (session) => {
    const { answers, finish } = await askAll(session, (target) => services(session, target));
    const { header, cell } = nodeColumn(session);
    const rows = answers.flatMap(({ target, value }) => value.map((view) => ({ target, view })));
    const views = rows.map(({ view }) => view);
    printResult(io, format, views, () =>
      table(
        [...header, 'SERVICE', 'STATE', 'HEALTH', 'LAST CHANGE', 'LAST EVENT'],
        rows.map(({ target, view }) => {
          const last = view.events.at(-1);
          return [
            ...cell(target),
            view.id,
            view.state,
            view.health,
            ago(last?.time ?? view.lastChange),
            last?.message ?? '',
          ];
        }),
      ),
    );
    finish();
  });
}

export async function showService(command: Command, io: Io, format: OutputFormat, id: string): Promise<void> {
  await withSession(command, io, async (session) => {
    const { answers, finish } = await askAll(session, async (target) => {
      const all = await services(session, target);
      const found = all.find((view) => view.id === id);
      if (found !== undefined) return found;
      const ids = all.map((view) => view.id).join(', ');
      throw new ClientError('failed', `NOT_FOUND: no service ${JSON.stringify(id)}; there are ${ids}`);
    });
    const views = answers.map(({ value }) => value);
    const hasSeveral = session.targets.length > 1;
    // By how many were asked: of how many have answered a program knows nothing.
    printResult(io, format, hasSeveral ? views : views[0], () =>
      views.map((view) => serviceText(view, hasSeveral)).join('\n'),
    );
    finish();
  });
}

export async function controlService(
  command: Command,
  io: Io,
  format: OutputFormat,
  id: string,
  action: 'start' | 'stop' | 'restart',
): Promise<void> {
  const method = {
    start: MachineService.ServiceStart,
    stop: MachineService.ServiceStop,
    restart: MachineService.ServiceRestart,
  }[action];
  await withSession(command, io, async (session) => {
    const { answers, finish } = await askAll(session, async ({ name, node }) => {
      const timeoutMs = Math.max(session.client.timeoutMs, CONTROL_TIMEOUT_MS);
      const reply = await session.client.unary(method, { id }, { node, timeoutMs });
      return { node: name, id, response: onlyMessage(reply, name).resp ?? '' };
    });
    const { header, cell } = nodeColumn(session);
    const views = answers.map(({ value }) => value);
    printResult(io, format, views, () =>
      table(
        [...header, 'SERVICE', 'RESPONSE'],
        answers.map(({ target, value }) => [...cell(target), id, value.response]),
      ),
    );
    finish();
  });
}

async function services(session: Session, { name, node }: Target): Promise<ServiceView[]> {
  const reply = await session.client.unary(MachineService.ServiceList, {}, { node });
  return (onlyMessage(reply, name).services ?? []).map((service) => ({
    node: name,
    id: service.id ?? '',
    state: service.state ?? '',
    health: service.health?.unknown !== false ? '?' : service.health.healthy ? 'OK' : 'Fail',
    lastMessage: service.health?.lastMessage ?? '',
    lastChange: time(service.health?.lastChange),
    events: (service.events?.events ?? []).map((event) => ({
      state: event.state ?? '',
      message: event.msg ?? '',
      time: time(event.ts),
    })),
  }));
}

function serviceText(view: ServiceView, hasSeveral: boolean): string {
  const events = view.events
    .slice(-MAX_EVENTS)
    .map((event, index): [string, string] => [
      index === 0 ? 'EVENTS' : '',
      `[${event.state}]: ${event.message} (${ago(event.time)})`,
    ]);
  return fields([
    ...(hasSeveral ? [['NODE', view.node] as [string, string]] : []),
    ['ID', view.id],
    ['STATE', view.state],
    ['HEALTH', view.health],
    ...(view.lastMessage === '' ? [] : [['LAST MESSAGE', view.lastMessage] as [string, string]]),
    ...events,
  ]);
}

function time(stamp: { seconds?: number | null; nanos?: number | null } | null | undefined): string {
  const seconds = Number(stamp?.seconds ?? 0);
  if (!Number.isFinite(seconds) || seconds <= 0 || seconds > 253_402_300_799) return '';
  return new Date(seconds * 1000 + Math.floor((stamp?.nanos ?? 0) / 1e6)).toISOString();
}

function ago(stamp: string): string {
  if (stamp === '') return '-';
  return `${formatDuration(Math.max(Date.now() - Date.parse(stamp), 0))} ago`;
}
