import t from 'tap';
import type { ApiServer } from '../../../lib/control/protocol.js';
import type { Address } from '../../../lib/proxyd/backends.js';
import { ConfigSource } from '../../../lib/proxyd/config-source.js';
import { until } from '../osd/support/rig.js';

t.test('servers of the config, by address and by name', async (t) => {
  const state = {
    servers: [] as ApiServer[],
    isUp: true,
    names: { 'api.example.org': ['10.5.0.3', '10.5.0.2'] } as Record<string, string[]>,
  };
  const lines: string[] = [];
  let asked = 0;
  const given: (readonly Address[])[] = [];
  const source = new ConfigSource({
    machined: async () => {
      asked++;
      if (!state.isUp) throw new Error('machined does not run');
      const reply = { body: { servers: state.servers, nameServers: ['192.0.2.1'] }, descriptors: [] };
      return { request: async () => reply as never };
    },
    resolve: async (name, nameServers) => {
      t.same(nameServers, ['192.0.2.1']);
      const found = state.names[name];
      if (!found) throw new Error(`${name} cannot be resolved`);
      return [...found];
    },
    log: (line) => void lines.push(line),
    refreshMs: 60_000,
    retryMs: 5,
  });
  const stop = new AbortController();
  state.servers = [
    { host: '127.0.0.1', port: 6443, isFallback: false },
    { host: 'api.example.org', port: 443, isFallback: true },
  ];
  const over = source.follow((servers) => void given.push(servers), stop.signal);
  const all = [
    { host: '127.0.0.1', port: 6443 },
    { host: '10.5.0.2', port: 443, isFallback: true },
    { host: '10.5.0.3', port: 443, isFallback: true },
  ];
  await until(() => given.length === 1, 'the first answer');
  t.same(given[0], all);
  source.refresh();
  state.names = {};
  source.refresh();
  await until(() => lines.length === 1, 'nobody knows the name any more');
  t.same(lines, ['a server of the Kubernetes API is looked for where it was: api.example.org cannot be resolved']);
  await until(() => asked > 4, 'it is asked for again soon');
  t.equal(given.length, 1, 'one that cannot be looked up is not one that is gone');
  t.equal(lines.length, 1, 'each reason is told once');

  state.servers = [...state.servers, { host: 'new.example.org', port: 443, isFallback: true }];
  source.refresh();
  await until(() => lines.length === 2, 'one that was never found');
  t.match(lines[1], /is left out: new\.example\.org cannot be resolved/);
  t.equal(given.length, 1);
  state.names = { 'new.example.org': ['10.5.0.4'] };
  await until(() => given.length === 2, 'it is there');
  t.same(given[1], [...all, { host: '10.5.0.4', port: 443, isFallback: true }]);

  state.names = {};
  state.servers = [{ host: 'other.example.org', port: 443, isFallback: false }];
  source.refresh();
  await until(() => /are not known: other\.example\.org cannot be resolved/.test(lines.at(-1) ?? ''), 'nothing');
  state.isUp = false;
  await until(() => /machined does not run/.test(lines.at(-1) ?? ''), 'machined is gone');
  t.equal(given.length, 2, 'what was known is kept');
  state.isUp = true;
  state.names = { 'other.example.org': ['fd00::2'] };
  await until(() => given.length === 3, 'it is back');
  t.same(given[2], [{ host: 'fd00::2', port: 443 }]);
  state.servers = [{ host: 'api.example.org', port: 443, isFallback: false }];
  state.names = {};
  source.refresh();
  await until(() => /are not known: api\.example\.org cannot be resolved/.test(lines.at(-1) ?? ''), 'not named');
  t.equal(given.length, 3, 'a name that was not used meanwhile is forgotten');
  stop.abort(new Error('enough'));
  await t.rejects(over);
});
