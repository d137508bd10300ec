/** What `osctl kubeconfig` does, apart from its definition. */
import { existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Command } from 'commander';
import { Header } from 'tar/header';
import { errorMessage, TalosError } from '../base/errors.js';
import { withFileLock } from '../base/file-lock.js';
import { replacePrivateFile } from '../base/private-file.js';
import { readText } from '../base/read-file.js';
import { MIB } from '../base/units.js';
import { ClientError, MachineService, normalEndpoint } from '../client/index.js';
import { localKubernetesEndpoint } from '../cluster/local-kubernetes.js';
import { UsageError } from './exit.js';
import type { Io } from './io.js';
import {
  type Kubeconfig,
  mergeKubeconfig,
  parseKubeconfig,
  renameContext,
  stringifyKubeconfig,
  withoutClusters,
  withServer,
} from './kubeconfig-merge.js';
import { type Session, type Target, withSession } from './session.js';

interface KubeconfigFlags {
  path: string | undefined;
  merge: boolean;
  force: boolean;
  forceContextName?: string;
}

/** Of the archive and of what is in it; a kubeconfig has some KiB. */
const MAX_BYTES = MIB;
const TAR_BLOCK_BYTES = 512;
const FILE = 'kubeconfig';

export async function kubeconfig(command: Command, io: Io, flags: KubeconfigFlags): Promise<void> {
  const fetched = await withSession(
    command,
    io,
    async (session) => {
      const [target] = session.targets;
      if (target === undefined || session.targets.length > 1) {
        throw new UsageError('a kubeconfig comes from one node: name it with --nodes');
      }
      return fetchKubeconfig(session, target, io.env);
    },
    { anyEndpoint: true },
  );
  const own = flags.forceContextName === undefined ? fetched : renameContext(fetched, flags.forceContextName);
  if (flags.path === '-') {
    io.stdout.write(stringifyKubeconfig(own));
    return;
  }
  const path = targetPath(flags.path, io.env);
  // kubectl's own lock.
  await withFileLock(path, async () => {
    const isThere = existsSync(path);
    if (isThere && !flags.merge && !flags.force) {
      throw new TalosError('ERR_FILE_EXISTS', `${path} exists already`, {
        hint: 'overwrite it with --force, or merge',
      });
    }
    const base = isThere && flags.merge ? parseKubeconfig(await readText(path), path) : undefined;
    const merged = base === undefined ? { config: own, renamed: undefined } : mergeKubeconfig(base, own, flags.force);
    await replacePrivateFile(path, stringifyKubeconfig(merged.config));
    for (const [from, to] of merged.renamed ?? []) {
      io.stderr.write(`context ${from} is called ${to} here, its name was taken\n`);
    }
    io.stderr.write(`${path}: the current context is ${merged.config['current-context']}\n`);
  });
}

/**
 * The Kubernetes administrator's access, which a control plane makes. Of a local cluster it leads to where its API is reached from here.
 * @throws ClientError  what the node says, or it sends something else
 */
export async function fetchKubeconfig(session: Session, target: Target, env: NodeJS.ProcessEnv): Promise<Kubeconfig> {
  const kubeconfig = parseKubeconfig(extract(await download(session, target)), 'what the node sent');
  const endpoint = await localKubernetesEndpoint(session.endpoints.map(normalEndpoint), env);
  return endpoint === undefined ? kubeconfig : withServer(kubeconfig, endpoint);
}

/**
 * Takes a cluster that is gone out of the user's own kubeconfig, if it was merged into that. What is wrong with that file is only told: the cluster is
 * gone all the same.
 * @param text  its administrator's kubeconfig
 */
export async function forgetCluster(
  text: string,
  { env, stderr }: Pick<Io, 'env'> & { stderr: { write(text: string): unknown } },
): Promise<void> {
  const path = targetPath(undefined, env);
  if (!existsSync(path)) return;
  try {
    await withFileLock(path, async () => {
      const own = parseKubeconfig(await readText(path), path);
      const rest = withoutClusters(own, parseKubeconfig(text, 'the kubeconfig of the cluster'));
      if (rest !== undefined) await replacePrivateFile(path, stringifyKubeconfig(rest));
    });
  } catch (error) {
    stderr.write(`${path} is left as it is: ${errorMessage(error)}\n`);
  }
}

async function download({ client }: Session, { name, node }: Target): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const batch of client.stream(MachineService.Kubeconfig, {}, { node })) {
    for (const { bytes: part, metadata } of batch) {
      if (metadata?.error) throw new ClientError('failed', `${name}: ${metadata.error}`);
      parts.push(Buffer.from(part ?? []));
      bytes += part?.length ?? 0;
      if (bytes > MAX_BYTES) throw new ClientError('failed', `${name} sends more than a kubeconfig can be`);
    }
  }
  return Buffer.concat(parts);
}

/** The one file of a tar.gz. */
function extract(archive: Buffer): string {
  try {
    const tar = gunzipSync(archive, { maxOutputLength: MAX_BYTES });
    for (let at = 0; at + TAR_BLOCK_BYTES <= tar.length; ) {
      const header = new Header(tar, at);
      if (header.nullBlock) break;
      const begin = at + TAR_BLOCK_BYTES;
      const size = header.size ?? 0;
      if (!header.cksumValid || size < 0) break;
      if (header.path === FILE && begin + size <= tar.length) return tar.toString('utf8', begin, begin + size);
      at = begin + Math.ceil(size / TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES;
    }
  } catch (cause) {
    throw new ClientError('failed', 'the node sent no tar.gz archive', { cause });
  }
  throw new ClientError('failed', `the node sent an archive without the file ${FILE}`);
}

function targetPath(given: string | undefined, env: NodeJS.ProcessEnv): string {
  if (given === undefined) {
    // Several files: kubectl writes new things to the first.
    const [first] = (env.KUBECONFIG ?? '').split(':').filter((file) => file !== '');
    return first ?? join(env.HOME ?? homedir(), '.kube', 'config');
  }
  return statSync(given, { throwIfNoEntry: false })?.isDirectory() ? join(given, FILE) : given;
}
