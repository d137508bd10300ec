/** Logs of containers of pods. Those of services are osd's own to read: it has their rings. */
import { errorCode } from '../../base/errors.js';
import { ControlError } from '../../control/errors.js';
import { common, type machine } from '../../gen/machine/machine.js';
import { MachineServiceDefinition as api } from '../../gen/machine/service.js';
import { createdSince } from '../containers/created-since.js';
import { findLog } from '../pod-logs/find-log.js';
import { readPodLog } from '../pod-logs/read-log.js';
import { fileProblem } from './files/failures.js';
import { stream } from './query.js';
import type { QuerySources } from './sources.js';

const FOLDER = '/var/log/pods';

/** @param folder  of all pods' logs; the kubelet's unless a test says otherwise */
export function podLogQueries(sources: Pick<QuerySources, 'native' | 'containers'>, folder = FOLDER) {
  return {
    ...stream(api.Logs, common.Data, (request, { signal }) => podLog(sources, folder, request, signal)),
  };
}

async function* podLog(
  { native, containers }: Pick<QuerySources, 'native' | 'containers'>,
  folder: string,
  { id, follow, tailLines }: machine.LogsRequest,
  signal: AbortSignal,
): AsyncGenerator<common.Data.$Properties> {
  const { files, descriptor: descriptors } = native;
  try {
    const root = await files.openRoot(folder).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT') throw error;
      throw new ControlError('NOT_FOUND', `no log ${JSON.stringify(id)}: this node has run no pods`);
    });
    let found: Awaited<ReturnType<typeof findLog>>;
    try {
      found = await findLog(files, root, id, (wanted, uid) => createdSince(containers, wanted, uid));
    } finally {
      root.close();
    }
    try {
      yield* readPodLog(found, { files, descriptors, tailLines, follow, signal });
    } finally {
      found.folder.close();
    }
  } catch (error) {
    const told = fileProblem(error);
    if (told === undefined) throw error;
    throw new ControlError(told.kind, `the log of ${id}: ${told.text}`, { cause: error });
  }
}
