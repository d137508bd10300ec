/** Calls about files. Streams, all of them; each has the root folder to itself. */
import { common, machine } from '../../../gen/machine/machine.js';
import { MachineServiceDefinition as api } from '../../../gen/machine/service.js';
import { type QueryContext, stream } from '../query.js';
import type { QuerySources } from '../sources.js';
import { copyFiles } from './copy-files.js';
import { diskUsage } from './disk-usage.js';
import { listFiles } from './list-files.js';
import { type FileSources, readFile } from './read-file.js';
import { SpecialFiles } from './special-files.js';

export function fileQueries({ native }: Pick<QuerySources, 'native'>) {
  async function* withRoot<Message>(
    { signal }: QueryContext,
    answer: (sources: FileSources) => AsyncIterable<Message>,
  ): AsyncGenerator<Message, void, undefined> {
    const root = await native.files.openRoot('/');
    try {
      yield* answer({ files: native.files, root, special: new SpecialFiles(native.mount), signal });
    } finally {
      root.close();
    }
  }
  return {
    ...stream(api.List, machine.FileInfo, (request, context) =>
      withRoot(context, (sources) => listFiles(sources, request)),
    ),
    ...stream(api.DiskUsage, machine.DiskUsageInfo, (request, context) =>
      withRoot(context, (sources) => diskUsage(sources, request)),
    ),
    ...stream(api.Read, common.Data, (request, context) =>
      withRoot(context, (sources) => readFile(sources, request.path ?? '')),
    ),
    ...stream(api.Copy, common.Data, (request, context) =>
      withRoot(context, (sources) => copyFiles(sources, request.rootPath ?? '')),
    ),
  };
}
