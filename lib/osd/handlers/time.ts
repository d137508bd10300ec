/** The node's clock against a time server's. */
import { isIP } from 'node:net';
import { status } from '@grpc/grpc-js';
import { errorMessage, TalosError } from '../../base/errors.js';
import type { google, time } from '../../gen/machine/machine.js';
import type { SntpAnswer } from '../../os/sntp.js';
import type { OsdContext } from '../context.js';
import { RpcError } from '../status.js';

const SECOND_MS = 1000;
/** Questions under way at once. */
const MAX_ASKING = 16;
const NAME = /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,62})?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,62})?)*\.?$/;

export interface TimeSources {
  /** Of a literal address. */
  ask(address: string): Promise<SntpAnswer>;
  /** Addresses of a name, the first ones to be asked first. */
  resolve(name: string, nameServers: readonly string[]): Promise<string[]>;
}

export class TimeHandlers {
  private asking = 0;

  constructor(
    private readonly context: OsdContext,
    private readonly sources: TimeSources = { ask: querySntp, resolve: resolveName },
  ) {}

  /** @throws RpcError FAILED_PRECONDITION  the node has none */
  async first(): Promise<time.TimeResponse.$Properties> {
    const { body } = await this.context.init.request('describeTime', {});
    const [server] = body.timeServers;
    if (server === undefined) {
      throw new RpcError(
        status.FAILED_PRECONDITION,
        'this node has no time server: name one in machine.time.servers, or ask for the time of one by name',
      );
    }
    return this.compare(server, body.nameServers);
  }

  /** @throws RpcError INVALID_ARGUMENT  no name of a server */
  async named(server: string): Promise<time.TimeResponse.$Properties> {
    if (isIP(server) === 0 && !NAME.test(server)) {
      throw new RpcError(status.INVALID_ARGUMENT, `${JSON.stringify(server)} is neither an address nor a host name`);
    }
    const { body } = await this.context.init.request('describeTime', {});
    return this.compare(server, body.nameServers);
  }

  private async compare(server: string, nameServers: readonly string[]): Promise<time.TimeResponse.$Properties> {
    if (this.asking >= MAX_ASKING)
      throw new RpcError(status.RESOURCE_EXHAUSTED, 'time servers are being asked already');
    this.asking++;
    try {
      const { localMs, remoteMs } = await this.sources.ask(await this.addressOf(server, nameServers));
      return {
        messages: [
          {
            metadata: { hostname: this.context.hostname() },
            server,
            localtime: timestamp(localMs),
            remotetime: timestamp(remoteMs),
          },
        ],
      };
    } catch (error) {
      if (error instanceof TalosError && error.code === 'ERR_TIME_SERVER') {
        // Not UNAVAILABLE: this node is there.
        throw new RpcError(status.UNKNOWN, error.message, { cause: error });
      }
      throw error;
    } finally {
      this.asking--;
    }
  }

  private async addressOf(server: string, nameServers: readonly string[]): Promise<string> {
    if (isIP(server) !== 0) return server;
    if (nameServers.length === 0) {
      throw new RpcError(
        status.FAILED_PRECONDITION,
        `this node has no name server to ask for ${server}: name one in machine.network.nameservers, or give an address`,
      );
    }
    try {
      const [address] = await this.sources.resolve(server, nameServers);
      if (address !== undefined) return address;
      throw new Error('it has no address');
    } catch (error) {
      throw new RpcError(status.NOT_FOUND, `time server ${server} cannot be found: ${errorMessage(error)}`, {
        cause: error,
      });
    }
  }
}

// What asks a time server or a name server is loaded when somebody wants that: osd is on the way of every boot.

async function querySntp(address: string): Promise<SntpAnswer> {
  return (await import('../../os/sntp.js')).querySntp(address);
}

async function resolveName(name: string, nameServers: readonly string[]): Promise<string[]> {
  return (await import('../../os/resolve-name.js')).resolveName(name, nameServers);
}

function timestamp(timeMs: number): google.protobuf.Timestamp.$Properties {
  const seconds = Math.floor(timeMs / SECOND_MS);
  return { seconds, nanos: Math.floor((timeMs - seconds * SECOND_MS) * 1e6) };
}
