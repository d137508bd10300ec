import type { NetworkInterfaceInfo } from 'node:os';
import t from 'tap';
import { serverNames } from '../../../lib/machined/server-names.js';

const at = (address: string) => [{ address } as NetworkInterfaceInfo];

t.test('names and addresses are told apart, each once', (t) => {
  const interfaces = { lo: [...at('127.0.0.1'), ...at('::1')], eth0: [...at('10.0.2.15'), ...at('fe80::1')] };
  t.same(serverNames('Node-1', interfaces, ['api.example.org', '192.0.2.1', 'node-1']), {
    dnsNames: ['node-1', 'localhost', 'api.example.org'],
    ipAddresses: ['192.0.2.1', '127.0.0.1', '::1', '10.0.2.15', 'fe80::1'],
  });
  t.end();
});

t.test('what is no name is left out', (t) => {
  t.same(serverNames('(none)', { eth0: undefined, eth1: [] }, ['', 'a b', 'bad..dots', 'x'.repeat(300)]), {
    dnsNames: ['localhost'],
    ipAddresses: ['127.0.0.1', '::1'],
  });
  t.end();
});
