/**
 * One node of a cluster as far as its certificates go: machined's own handlers, with init played by the test, and the processes that ask
 * them, started as an image starts them.
 */
import { join as joinPath } from 'node:path';
import type { Test } from 'tap';
import { ControlServer } from '../../../../lib/control/server.js';
import { certificateHandler } from '../../../../lib/machined/certificates.js';
import { Join, type JoinOptions } from '../../../../lib/machined/join/index.js';
import { loadConfig } from '../../../../lib/machined/load-config.js';
import { ALLOW_LIST } from '../../../../lib/machined/main.js';
import { nodeCertificateHandler } from '../../../../lib/machined/node-certificates.js';
import { IdentityHolder } from '../../../../lib/machined/node-identity.js';
import { serverNames } from '../../../../lib/machined/server-names.js';
import { loadNative } from '../../../../lib/native/index.js';
import { until } from '../../osd/support/rig.js';
import { type Started, spawnLikeOsd } from '../../osd/support/spawn-like-osd.js';

const native = loadNative();
const SCRIPTS = { osd: '../../osd/support/osd-process.js', trustd: 'trust-process.js' };

export class ClusterNode {
  readonly identity = new IdentityHolder();
  /** What machined has said. */
  readonly lines: string[] = [];
  private readonly machined: ControlServer;

  /** @param text  its machine config */
  constructor(
    private readonly t: Test,
    text: string,
    { lifetimeMs, ...join }: Partial<JoinOptions> & { lifetimeMs?: number } = {},
  ) {
    const log = (line: string) => void this.lines.push(line);
    const config = loadConfig(text);
    const joining = new Join({ resolve: async () => [], problem: log, ...join });
    this.identity.set(config.identity);
    this.machined = new ControlServer({
      channels: native.channel,
      allow: ALLOW_LIST,
      log,
      handlers: {
        issueCertificate: certificateHandler({
          identity: this.identity,
          clock: { pass: async () => {} },
          names: (certSans) => serverNames(config.hostname ?? '', {}, certSans),
          maintenanceIssued: () => {},
          join: (...words) => joining.certificate(...words),
          log,
        }),
        issueNodeCertificate: nodeCertificateHandler({
          identity: this.identity,
          ownAddresses: () => [],
          log,
          ...(lifetimeMs !== undefined && { lifetimeMs }),
        }),
      },
    });
  }

  /** Resolves when the process listens. */
  async start(peer: keyof typeof SCRIPTS): Promise<{ started: Started; port: number }> {
    let port = 0;
    const log = (line: string) => this.t.comment(line);
    const init = new ControlServer({
      channels: native.channel,
      log,
      allow: { connect: [peer], reportListening: [peer] },
      handlers: {
        connect: () => {
          const [theirs, ours] = native.channel.pair();
          this.machined.accept(ours, peer);
          return { body: {}, descriptors: [theirs] };
        },
        reportListening: (report) => {
          port = report.port;
          return { body: {} };
        },
      },
    });
    const [ours, theirs] = native.channel.pair();
    const started = spawnLikeOsd(joinPath(import.meta.dirname, SCRIPTS[peer]), { descriptors: [theirs] });
    theirs.close();
    init.accept(ours, peer);
    this.t.teardown(() => started.child.kill('SIGKILL'));
    await until(() => port !== 0, `${peer} listens`, 30_000).catch((error) => {
      this.t.comment(started.output(), this.lines.join('\n'));
      throw error;
    });
    return { started, port };
  }
}
