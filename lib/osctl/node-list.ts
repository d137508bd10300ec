/** Commands that ask every node for a list of things, and print all of them as one. */
import type { Command } from 'commander';
import type { Io } from './io.js';
import { type OutputFormat, outputFormat, printResult, table } from './output.js';
import { askAll, nodeColumn, type Session, type Target, withSession } from './session.js';

export interface NodeList<View> {
  /** The things of one node, in the order in which they are shown. */
  ask(session: Session, target: Target): Promise<View[]>;
  header: readonly string[];
  cells(view: View): string[];
  /** What people get instead of a table. */
  text?: ((views: readonly (View & { node: string })[]) => string) | undefined;
}

/** In JSON and YAML each has its fields and `node`; in tables there is a column NODE when several nodes were asked. */
export async function printNodeList<View extends object>(
  command: Command,
  io: Io,
  list: NodeList<View>,
): Promise<void> {
  const format = outputFormat(command);
  await withSession(command, io, (session) => printOnce(session, io, format, list));
}

/** As above, within a session that goes on. @param lead  goes out right before the result, when all is there */
export async function printOnce<View extends object>(
  session: Session,
  io: Io,
  format: OutputFormat,
  { ask, header, cells, text }: NodeList<View>,
  lead = '',
): Promise<void> {
  const { answers, finish } = await askAll(session, (target) => ask(session, target));
  const rows = answers.flatMap(({ target, value }) => value.map((view) => ({ target, view })));
  const node = nodeColumn(session);
  const views = rows.map(({ target, view }) => ({ node: target.name, ...view }));
  const toTable = () =>
    table(
      [...node.header, ...header],
      rows.map(({ target, view }) => [...node.cell(target), ...cells(view)]),
    );
  printResult(io, format, views, () => lead + (text?.(views) ?? toTable()));
  finish();
}
