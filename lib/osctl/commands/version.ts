import { Command } from 'commander';
import { architectureName } from '../../base/architecture.js';
import { BUILD } from '../../base/version.js';
import type { Io } from '../io.js';
import { outputFormat, printResult } from '../output.js';
import { printable } from '../terminal.js';

/** What either side says about itself. */
interface VersionView {
  tag: string;
  sha: string;
  built: string;
  goVersion: string;
  os: string;
  arch: string;
}

interface ServerView extends VersionView {
  node: string;
  hostname: string;
  rbac: boolean;
}

/** `osctl version`: of this client and of the nodes. */
export function versionCommand(io: Io): Command {
  return new Command('version')
    .description('show the version of osctl and of the nodes')
    .option('--client', 'of osctl only')
    .option('--short', 'the tags only')
    .action(async (flags: { client?: boolean; short?: boolean }, command: Command) => {
      const format = outputFormat(command);
      const client = clientVersion();
      const print = (server: ServerView[] | undefined) =>
        printResult(io, format, server === undefined ? { client } : { client, server }, () =>
          flags.short ? shortText(client, server) : longText(client, server),
        );
      if (flags.client) {
        print(undefined);
        return;
      }
      const { MachineService, onlyMessage } = await import('../../client/index.js');
      const { askAll, withSession } = await import('../session.js');
      await withSession(command, io, async (session) => {
        const { answers, finish } = await askAll(session, async ({ name, node }): Promise<ServerView> => {
          const message = onlyMessage(await session.client.unary(MachineService.Version, {}, { node }), name);
          const { tag, sha, built, goVersion, os, arch } = message.version ?? {};
          return {
            node: name,
            hostname: message.metadata?.hostname ?? '',
            tag: tag ?? '',
            sha: sha ?? '',
            built: built ?? '',
            goVersion: goVersion ?? '',
            os: os ?? '',
            arch: arch ?? '',
            rbac: message.features?.rbac ?? false,
          };
        });
        print(answers.map(({ value }) => value));
        finish();
      });
    });
}

function clientVersion(): VersionView {
  const arch = architectureName();
  return { ...BUILD, goVersion: `node ${process.version}`, os: process.platform, arch };
}

function shortText(client: VersionView, server: readonly ServerView[] = []): string {
  const lines = server.map(({ node, tag }) => `Server ${tag} (${node})`);
  return [`Client ${client.tag}`, ...lines].map((line) => `${printable(line)}\n`).join('');
}

function longText(client: VersionView, server: readonly ServerView[] | undefined): string {
  const blocks = [block('Client', client)];
  for (const view of server ?? []) {
    const name = view.hostname === '' ? view.node : `${view.node} (${view.hostname})`;
    blocks.push(block('Server', view, [['Node', name]], [['Enabled', view.rbac ? 'RBAC' : '']]));
  }
  return blocks.join('');
}

type Rows = [string, string][];

function block(title: string, view: VersionView, before: Rows = [], after: Rows = []): string {
  const rows: Rows = [
    ...before,
    ['Tag', view.tag],
    ['SHA', view.sha],
    ['Built', view.built],
    ['Go version', view.goVersion],
    ['OS/Arch', `${view.os}/${view.arch}`],
    ...after,
  ];
  const lines = rows
    .filter(([, value]) => value !== '')
    .map(([label, value]) => `  ${`${label}:`.padEnd(12)} ${printable(value)}\n`);
  return `${title}:\n${lines.join('')}`;
}
