/** osd in a process of its own, as an image starts it, with the addon's channels and rings between it and a test that plays init and machined. */
import t from 'tap';
import type { PemPair } from '../../../../lib/base/secrets-bundle.js';
import { HOUR_MS, MIB } from '../../../../lib/base/units.js';
import { ControlError } from '../../../../lib/control/errors.js';
import { ControlServer, type ServerConnection } from '../../../../lib/control/server.js';
import type { Child, LogRing, SeccompRule } from '../../../../lib/native/contract.js';
import { loadNative } from '../../../../lib/native/index.js';
import { issueServerCertificate } from '../../../../lib/pki/issue.js';
import { LogSubscriptions } from '../../../helpers/log-subscriptions.js';
import { Authority } from './authority.js';
import { SERVICES } from './fake-init.js';
import { ApiClient, until } from './rig.js';
import { type Started, spawnLikeOsd } from './spawn-like-osd.js';

const native = loadNative();

/** Plays init and machined for one osd. */
export class OsdNode {
  readonly ring: LogRing = native.ring.create({ name: 'chatty', sizeBytes: MIB });
  readonly subscriptions = new LogSubscriptions();
  readonly powerRequests: unknown[] = [];
  port = 0;
  hasConfig = false;
  timeFacts: { timeServers: string[]; nameServers: string[] } = { timeServers: [], nameServers: [] };
  /** Of the certificates that osd is given. */
  lifetimeMs = HOUR_MS;

  private constructor(
    readonly authority: Authority,
    private readonly started: Started,
    readonly connection: ServerConnection,
  ) {}

  get child(): Child {
    return this.started.child;
  }

  get output(): string {
    return this.started.output();
  }

  static async start(options: { forbidden?: SeccompRule[] } = {}): Promise<OsdNode> {
    const authority = await Authority.create();
    const [ours, theirs] = native.channel.pair();
    const started = spawnLikeOsd('osd-process.js', { ...options, descriptors: [theirs] });
    theirs.close();
    let node: OsdNode;
    const server = OsdNode.server(() => node, authority);
    node = new OsdNode(authority, started, server.accept(ours, 'osd'));
    return node;
  }

  private static server(node: () => OsdNode, authority: Authority): ControlServer {
    const log = (line: string) => t.comment(line);
    const machined = new ControlServer({
      channels: native.channel,
      log,
      allow: { issueCertificate: ['osd'] },
      handlers: {
        issueCertificate: async ({ publicKey }) => {
          if (!node().hasConfig) throw new ControlError('UNAVAILABLE', 'there is no config yet');
          const certificate = await issueServerCertificate({
            ca: authority.pair,
            publicKeyDer: publicKey,
            dnsNames: ['localhost'],
            ipAddresses: ['127.0.0.1'],
            lifetimeMs: node().lifetimeMs,
          });
          const body = {
            certificate: Buffer.from(certificate),
            acceptedCas: Buffer.from(authority.certificate),
            notAfterMs: Date.now() + node().lifetimeMs,
            isMaintenance: false,
          };
          return { body };
        },
      },
    });
    const methods = [
      'connect',
      'reportListening',
      'listServices',
      'openLog',
      'closeLog',
      'power',
      'describeTime',
    ] as const;
    return new ControlServer({
      channels: native.channel,
      log,
      allow: Object.fromEntries(methods.map((method) => [method, ['osd']])),
      handlers: {
        connect: () => {
          const [theirs, ours] = native.channel.pair();
          machined.accept(ours, 'osd');
          return { body: {}, descriptors: [theirs] };
        },
        reportListening: ({ port }) => {
          node().port = port;
          return { body: {} };
        },
        listServices: () => ({ body: { services: SERVICES } }),
        openLog: ({ follow }) => node().subscriptions.subscribe(node().ring, follow),
        closeLog: ({ subscription }) => {
          node().subscriptions.end(subscription);
          return { body: {} };
        },
        describeTime: () => ({ body: node().timeFacts }),
        power: (request) => {
          node().powerRequests.push(request);
          return { body: {} };
        },
      },
    });
  }

  async client(roles: string[]): Promise<ApiClient> {
    return this.clientFor(await this.authority.client(roles));
  }

  async clientFor(pair: PemPair): Promise<ApiClient> {
    await until(() => this.port !== 0, 'osd listens', 20_000);
    return new ApiClient(this.port, this.authority.certificate, pair, {});
  }
}
