/** What `osctl events` does, apart from its definition. */
import type { Command } from 'commander';
import { isEventId } from '../base/event-id.js';
import { parseDuration, SECOND_MS } from '../base/units.js';
import { decodeEvent, MachineService, type NodeEvent } from '../client/index.js';
import { DataLost, UsageError } from './exit.js';
import type { Io } from './io.js';
import { writeChunks } from './io.js';
import { type OutputFormat, structuredItem } from './output.js';
import { type Session, withSession } from './session.js';
import { StreamFailures } from './stream-failures.js';
import { printable } from './terminal.js';

interface EventsFlags {
  tail: number;
  since?: string;
  duration?: number;
  actorId?: string;
}

/** Of the columns, which cannot be as wide as what will come: ids, types and actors have one width. */
const WIDTHS = { id: 20, type: 'ConfigValidationErrorEvent'.length, actor: 36, source: 22 };

export async function followEvents(command: Command, io: Io, format: OutputFormat, flags: EventsFlags): Promise<void> {
  const request = eventsRequest(flags);
  await withSession(command, io, async (session) => {
    const row = rowMaker(session);
    if (format === 'table') io.stdout.write(row('NODE', 'ID', 'EVENT', 'ACTOR', 'SOURCE', 'MESSAGE'));
    const failures = new StreamFailures(io, session.targets.length === 1);
    let isIncomplete = false;
    await Promise.all(
      session.targets.map(async ({ name, node }) => {
        try {
          for await (const batch of session.client.stream(MachineService.Events, request, { node })) {
            const chunks: string[] = [];
            for (const message of batch) {
              const event = decodeEvent(message);
              if (event)
                chunks.push(
                  format === 'table' ? eventRow(row, name, event) : structuredItem(format, view(name, event)),
                );
              const { error } = message.metadata ?? {};
              if (!error) continue;
              isIncomplete = true;
              await writeChunks(io.stdout, chunks.splice(0));
              io.stderr.write(`osctl: ${name}: ${printable(error)}\n`);
            }
            if (chunks.length > 0) await writeChunks(io.stdout, chunks);
          }
        } catch (error) {
          failures.add(name, error);
        }
      }),
    );
    failures.finish();
    if (isIncomplete) throw new DataLost();
  });
}

function eventsRequest({ tail, since, duration, actorId = '' }: EventsFlags) {
  const sinceMs = since === undefined ? undefined : parseDuration(since);
  const isId = since !== undefined && isEventId(since);
  if (since !== undefined && sinceMs === undefined && !isId) {
    throw new UsageError(`${JSON.stringify(since)} is neither a duration such as 10m nor the id of an event`);
  }
  if (sinceMs !== undefined && !isId && duration !== undefined) {
    throw new UsageError('--since and --duration both say how long: give one of them');
  }
  const lengthMs = isId ? duration : (sinceMs ?? duration);
  return {
    tailEvents: tail,
    tailId: isId ? since : '',
    tailSeconds: lengthMs === undefined ? 0 : Math.max(1, Math.ceil(lengthMs / SECOND_MS)),
    withActorId: actorId,
  };
}

type Row = (
  ...cells: [node: string, id: string, type: string, actor: string, source: string, message: string]
) => string;

function rowMaker(session: Session): Row {
  const nodeWidth = Math.max('NODE'.length, ...session.targets.map(({ name }) => name.length));
  const widths = [nodeWidth, WIDTHS.id, WIDTHS.type, WIDTHS.actor, WIDTHS.source, 0];
  return (...cells) =>
    `${cells
      .map((cell, at) => printable(cell).padEnd(widths[at] ?? 0))
      .join('   ')
      .trimEnd()}\n`;
}

function eventRow(row: Row, node: string, { id, type, actorId, source, message }: NodeEvent): string {
  return row(node, id, type, actorId, source, message);
}

function view(node: string, { id, type, actorId, source, message, payload }: NodeEvent) {
  return { node, id, event: type, actorId, source, message, payload };
}
