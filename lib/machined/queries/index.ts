/** The table of all queries. Loaded with the first one: see handlers.ts. */
import { configurationQueries } from './configuration.js';
import { credentialQueries, credentialStreams } from './credentials.js';
import { fileQueries } from './files/index.js';
import { machineQueries } from './machine.js';
import type { QueryTable } from './query.js';
import { resetQueries } from './reset.js';
import type { QuerySources } from './sources.js';
import { storageQueries } from './storage.js';

export function queryTable(sources: QuerySources): QueryTable {
  return {
    unary: {
      ...configurationQueries(sources),
      ...credentialQueries(sources),
      ...machineQueries(sources),
      ...resetQueries(sources),
      ...storageQueries(sources),
    },
    streams: { ...credentialStreams(sources), ...fileQueries(sources) },
  };
}
