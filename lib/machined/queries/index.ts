/** The table of all queries. Loaded with the first one: see handlers.ts. */
import { bootstrapQueries } from './bootstrap.js';
import { configurationQueries } from './configuration.js';
import { containerQueries } from './containers.js';
import { credentialQueries, credentialStreams } from './credentials.js';
import { etcdQueries } from './etcd.js';
import { fileQueries } from './files/index.js';
import { machineQueries } from './machine.js';
import { networkQueries } from './network.js';
import { podLogQueries } from './pod-logs.js';
import type { QueryTable } from './query.js';
import { resetQueries } from './reset.js';
import type { QuerySources } from './sources.js';
import { storageQueries } from './storage.js';

export function queryTable(sources: QuerySources): QueryTable {
  return {
    unary: {
      ...bootstrapQueries(sources),
      ...configurationQueries(sources),
      ...containerQueries(sources),
      ...credentialQueries(sources),
      ...etcdQueries(sources),
      ...machineQueries(sources),
      ...networkQueries(sources),
      ...resetQueries(sources),
      ...storageQueries(sources),
    },
    streams: { ...credentialStreams(sources), ...fileQueries(sources), ...podLogQueries(sources) },
  };
}
