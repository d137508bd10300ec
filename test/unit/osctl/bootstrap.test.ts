/** osctl bootstrap against a node that this test plays. */
import { status } from '@grpc/grpc-js';
import t from 'tap';
import { FakeNode, type Handlers, statusError } from '../client/fake-node.js';
import { OsctlHome } from './osctl-child.js';

t.setTimeout(120_000);

t.test('osctl bootstrap', async (t) => {
  const home = await OsctlHome.create();
  t.teardown(() => home[Symbol.asyncDispose]());
  const run = async (handlers: Handlers, change: Parameters<FakeNode['talosconfig']>[0], ...words: string[]) => {
    const node = await FakeNode.start({ handlers });
    const config = await home.write('config', node.talosconfig(change));
    try {
      return { endpoint: node.endpoint, ...(await home.run('--talosconfig', config, 'bootstrap', ...words)) };
    } finally {
      await node[Symbol.asyncDispose]();
    }
  };
  const refusing = (code: status, sentence: string): Handlers => ({
    Bootstrap: () => {
      throw statusError(code, sentence);
    },
  });

  await t.test('one node begins', async (t) => {
    const requests: unknown[] = [];
    const handlers: Handlers = {
      Bootstrap: (request) => {
        requests.push(request);
        return { messages: [{ metadata: { hostname: 'node-1' } }] };
      },
    };
    const plain = await run(handlers, {});
    t.equal(plain.code, 0, plain.stderr);
    t.equal(plain.stdout, '');
    t.match(plain.stderr, `${plain.endpoint}: a new Kubernetes cluster begins; \`osctl health\``);
    t.match(requests, [{ recoverEtcd: false, recoverSkipHashCheck: false }]);
    const json = await run(handlers, {}, '-o', 'json');
    t.same(JSON.parse(json.stdout), { node: json.endpoint });
  });

  await t.test('of several nodes none is chosen', async (t) => {
    let asked = 0;
    const handlers: Handlers = { Bootstrap: () => ({ messages: [{ asked: asked++ }] }) };
    const { code, stderr } = await run(handlers, { nodes: ['10.5.0.2', '10.5.0.3'] });
    t.equal(code, 2);
    t.match(stderr, /bootstrap is for one node at a time, and 2 are meant: name one with --nodes/);
    t.equal(asked, 0);
  });

  await t.test('what the node says, and what to do about it', async (t) => {
    const member = await run(refusing(status.ALREADY_EXISTS, 'this node is a member of a cluster already'), {});
    t.equal(member.code, 1);
    t.match(member.stderr, /^osctl: ALREADY_EXISTS: this node is a member of a cluster already\n {2}hint: .*health/);
    const worker = await run(refusing(status.FAILED_PRECONDITION, 'this node is a worker'), {});
    t.equal(worker.code, 1);
    t.equal(worker.stderr, 'osctl: FAILED_PRECONDITION: this node is a worker\n');
    const bare = await run({}, {});
    t.equal(bare.code, 1);
    t.match(bare.stderr, /^osctl: UNIMPLEMENTED: .*\n {2}hint: the image of the node has to have Kubernetes/);
  });

  await t.test('a node without a machine config shows a certificate of its own', async (t) => {
    const other = await FakeNode.start();
    t.teardown(() => other[Symbol.asyncDispose]());
    const { code, stderr } = await run({}, { ca: other.secrets.certs.os.crt });
    t.equal(code, 4);
    t.match(
      stderr,
      /is not trusted: its certificate is not signed by the context's CA\n {2}hint: .*apply-config --insecure/,
    );
  });
});
