import { Command } from 'commander';
import { collectWords, durationFlag } from '../../flags.js';
import type { Io } from '../../io.js';

const NEW_EXAMPLES = `
Examples:
  osctl config new --roles os:reader --crt-ttl 24h reader.talosconfig
  osctl --talosconfig reader.talosconfig ps
`;

/** `osctl config …`: the client config. */
export function configCommand(io: Io): Command {
  const actions = () => import('../../client-config-actions.js');
  return new Command('config')
    .description('look at and change the client config')
    .addCommand(
      new Command('add')
        .description('add a context with a certificate that you have')
        .argument('<name>')
        .requiredOption('--ca <file>', 'CA of the cluster (PEM)')
        .requiredOption('--crt <file>', 'client certificate (PEM)')
        .requiredOption('--key <file>', 'its private key (PEM)')
        .action(async (name: string, files: { ca: string; crt: string; key: string }, command: Command) =>
          (await actions()).addContext(command, io, name, files),
        ),
    )
    .addCommand(
      new Command('context')
        .alias('use-context')
        .description('select the context to use')
        .argument('<name>')
        .action(async (name: string, _flags: unknown, command: Command) =>
          (await actions()).useContext(command, io, name),
        ),
    )
    .addCommand(
      new Command('contexts')
        .alias('get-contexts')
        .description('list the contexts')
        .action(async (_flags: unknown, command: Command) => (await actions()).listContexts(command, io)),
    )
    .addCommand(
      new Command('endpoint')
        .alias('endpoints')
        .description('set the endpoints of the context; without any: clear them')
        .argument('[endpoint...]', 'host or host:port', collectWords)
        .action(async (endpoints: string[] | undefined, _flags: unknown, command: Command) =>
          (await actions()).setEndpoints(command, io, endpoints ?? []),
        ),
    )
    .addCommand(
      new Command('node')
        .alias('nodes')
        .description('set the nodes that commands are for when none is named; without any: clear them')
        .argument('[node...]', 'name or address', collectWords)
        .action(async (nodes: string[] | undefined, _flags: unknown, command: Command) =>
          (await actions()).setNodes(command, io, nodes ?? []),
        ),
    )
    .addCommand(
      new Command('info')
        .description('show the context in use: endpoints, roles, expiry of the certificate')
        .action(async (_flags: unknown, command: Command) => (await actions()).showInfo(command, io)),
    )
    .addCommand(
      new Command('merge')
        .description('merge another client config into yours; contexts whose name is taken are renamed')
        .argument('<file>')
        .action(async (file: string, _flags: unknown, command: Command) =>
          (await actions()).mergeFile(command, io, file),
        ),
    )
    .addCommand(
      new Command('new')
        .description('ask a control plane node for a new client certificate, and write a client config with it')
        .argument('[path]', 'file to make', 'talosconfig')
        .option('--roles <list>', 'what it allows: os:admin, os:operator, os:reader, os:etcd:backup', collectWords)
        .option('--crt-ttl <duration>', 'lifetime of the certificate (default: 8760h, a year)', durationFlag)
        .option('-f, --force', 'overwrite the file')
        .addHelpText('after', NEW_EXAMPLES)
        .action(
          async (path: string, flags: { roles?: string[]; crtTtl?: number; force?: boolean }, command: Command) => {
            const { newConfig } = await import('../../config-new.js');
            await newConfig(command, io, path, flags);
          },
        ),
    )
    .addCommand(
      new Command('remove')
        .description('remove contexts')
        .argument('<pattern>', 'name of a context; * and ? stand for other letters')
        .option('--dry-run', 'only say which')
        .option('-y, --noconfirm', 'never ask; for the sake of scripts made for talosctl: nothing is asked anyway')
        .action(async (pattern: string, { dryRun = false }: { dryRun?: boolean }, command: Command) =>
          (await actions()).remove(command, io, pattern, dryRun),
        ),
    );
}
