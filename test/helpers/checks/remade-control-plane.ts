/** A control plane whose machine config has become another one, from outside: with its next boot it is what the config says. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import type { Test } from 'tap';
import { parseDocument } from 'yaml';
import { withDeadline } from '../../../lib/base/abort.js';
import { readConfigDisk } from '../credentials.js';
import { seconds } from '../deadline.js';
import type { TestNode } from '../node.js';

const PATIENCE_MS = seconds(120);
const NAME = 'api.remade.test';

interface Server {
  readonly host: string;
  readonly port: number;
}

/**
 * @param server  where the API server is reached
 * @param ready  resolves once the node is Ready again, in its next boot
 */
export async function controlPlaneIsRemade(
  t: Test,
  { node, server, ready }: { node: TestNode; server: Server; ready: () => Promise<void> },
): Promise<void> {
  const { home } = node;
  t.notMatch(await namesOf(server), NAME);
  const document = parseDocument(await readConfigDisk(node.state.configDisk));
  document.addIn(['cluster', 'apiServer', 'certSANs'], NAME);
  const file = join(home.folder, 'remade.yaml');
  await writeFile(file, document.toString());
  const mark = node.consoleMark;
  const { stdout } = await home.succeed(['apply-config', '-f', file], PATIENCE_MS);
  t.match(stdout, /stored, and the node reboots with it/);
  await node.waitForApi(await node.waitForBoot(mark));
  await ready();
  t.ok(
    node.console.lines.slice(mark).some(({ text }) => /the control plane of this node is made anew/.test(text)),
    'it is said',
  );
  t.match(await namesOf(server), NAME, 'the API server has the name');
}

/** What the certificate of a server is for, whoever has issued it. */
async function namesOf({ host, port }: Server): Promise<string> {
  const socket = connect({ host, port, rejectUnauthorized: false });
  try {
    return await withDeadline(PATIENCE_MS, [], async (signal) => {
      await new Promise<void>((resolve, reject) => {
        socket.once('secureConnect', resolve).once('error', reject);
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      });
      return socket.getPeerCertificate().subjectaltname ?? '';
    });
  } finally {
    socket.destroy();
  }
}
