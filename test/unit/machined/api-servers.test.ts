import t from 'tap';
import { apiServersOf } from '../../../lib/machined/api-servers.js';
import { loadConfig } from '../../../lib/machined/load-config.js';
import { generated } from './fixtures.js';

t.test('the servers of the Kubernetes API, of the config and of the API itself', async (t) => {
  const { controlplane } = await generated();
  const { config } = loadConfig(controlplane);
  const worker = { ...config, machine: { ...config.machine, type: 'worker' as const } };
  const own = { host: '127.0.0.1', port: 6443 };
  const shared = { host: '10.5.0.2', port: 6443 };
  t.same(apiServersOf(config), [
    { ...own, isFallback: false },
    { ...shared, isFallback: false },
  ]);
  t.same(apiServersOf(worker), [{ ...shared, isFallback: false }]);
  const other = { host: '10.5.0.3', port: 6443 };
  t.same(apiServersOf(worker, [other]), [
    { ...other, isFallback: false },
    { ...shared, isFallback: true },
  ]);
  t.same(
    apiServersOf(config, [shared, other]),
    [
      { ...shared, isFallback: false },
      { ...other, isFallback: false },
      { ...own, isFallback: true },
    ],
    'each once',
  );
  const hosts = {
    ...worker.machine,
    network: {
      extraHostEntries: [
        { ip: '10.5.0.2', aliases: ['api', 'API.example.org'] },
        { ip: '10.5.0.3', aliases: ['api.example.org'] },
      ],
    },
  };
  const cluster = { ...worker.cluster, controlPlane: { endpoint: 'https://api.example.org:6443' } };
  t.same(
    apiServersOf({ ...worker, cluster, machine: hosts }),
    [
      { ...shared, isFallback: false },
      { ...other, isFallback: false },
    ],
    'a name that the config itself knows, at all of its addresses',
  );
  t.match(apiServersOf({ ...worker, cluster }), [{ host: 'api.example.org' }], 'any other is asked for');
  const named = { ...worker, cluster: { ...worker.cluster, controlPlane: { endpoint: 'https://[fd00::1]' } } };
  t.same(apiServersOf(named), [{ host: 'fd00::1', port: 443, isFallback: false }]);
});
