/**
 * One turn of benchmarks/api.ts: the client of osctl, in a process of its own, calls one method of one server. Started with its options as JSON; prints
 * what it measured as JSON. An answer that is not, byte for byte, the one that is expected fails the turn, as does a call that is refused.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MachineClient, MachineService, type Method } from '../../lib/client/index.js';
import type { ApiLoad, ApiTurn, ApiTurnOptions } from './api-turn.js';
import { cpuMicroseconds } from './cpu-seconds.js';
import { establishedTo } from './established.js';

/** Do not count: what they compile is compiled, in both processes. */
const WARM_UP = { newConnections: 3, calls: 300 };

class Turn {
  private readonly credentials: { ca: string; crt: string; key: string };
  private readonly method: Method<object, unknown>;

  constructor(private readonly options: ApiTurnOptions) {
    const read = (name: string) => readFileSync(join(options.folder, name), 'utf8');
    this.credentials = { ca: read('ca.crt'), crt: read('client.crt'), key: read('client.key') };
    this.method = checked(MachineService[options.method], readFileSync(join(options.folder, options.method)));
  }

  async run(): Promise<ApiTurn> {
    const { newConnections, calls, connections } = this.options;
    const newConnectionMs = await this.onNewConnections(newConnections);
    const clients = [this.client()];
    try {
      const callMs = await this.oneAfterTheOther(clients[0] as MachineClient, calls);
      const loads: ApiLoad[] = [];
      for (const count of connections) {
        while (clients.length < count) clients.push(this.client());
        loads.push(await this.load(clients));
      }
      return { newConnectionMs, callMs, loads };
    } finally {
      for (const client of clients) client.close();
    }
  }

  private client(): MachineClient {
    return new MachineClient({ endpoints: [`127.0.0.1:${this.options.port}`], credentials: this.credentials });
  }

  /** From nothing to the answer: TCP, TLS 1.3 with both certificates, HTTP/2, a call. */
  private async onNewConnections(count: number): Promise<number[]> {
    const times: number[] = [];
    for (let number = -WARM_UP.newConnections; number < count; number++) {
      const startedMs = performance.now();
      const client = this.client();
      await client.unary(this.method, {});
      if (number >= 0) times.push(performance.now() - startedMs);
      client.close();
    }
    return times;
  }

  private async oneAfterTheOther(client: MachineClient, count: number): Promise<number[]> {
    const times: number[] = [];
    for (let number = -WARM_UP.calls; number < count; number++) {
      const startedMs = performance.now();
      await client.unary(this.method, {});
      if (number >= 0) times.push(performance.now() - startedMs);
    }
    return times;
  }

  /** Whoever has its answer calls again; the connections are taken in turn. */
  private async load(clients: readonly MachineClient[]): Promise<ApiLoad> {
    const { port, pid, loadCalls, underWay } = this.options;
    // Each has its connection before the time starts.
    await Promise.all(clients.map((client) => client.unary(this.method, {})));
    const established = establishedTo(port, readFileSync('/proc/self/net/tcp', 'latin1'));
    if (established !== clients.length) throw new Error(`${established} connections in place of ${clients.length}`);
    let begun = 0;
    const caller = async (_: unknown, number: number) => {
      const client = clients[number % clients.length] as MachineClient;
      for (; begun < loadCalls; ) {
        begun += 1;
        await client.unary(this.method, {});
      }
    };
    const [serverUs, client, startedMs] = [cpuMicroseconds(pid), process.cpuUsage(), performance.now()];
    await Promise.all(Array.from({ length: underWay }, caller));
    const seconds = (performance.now() - startedMs) / 1000;
    const { user, system } = process.cpuUsage(client);
    return {
      connections: clients.length,
      callsPerSecond: loadCalls / seconds,
      serverUsPerCall: (cpuMicroseconds(pid) - serverUs) / loadCalls,
      clientUsPerCall: (user + system) / loadCalls,
    };
  }
}

/** The method, whose answers have to be these bytes and are decoded as ever. */
function checked({ path, requestSerialize, responseDeserialize }: Method<object, unknown>, expected: Buffer) {
  return {
    path,
    requestSerialize,
    responseDeserialize: (bytes: Buffer) => {
      if (!expected.equals(bytes)) throw new Error(`${path} was answered by ${bytes.toString('base64')}`);
      return responseDeserialize(bytes);
    },
  };
}

const [, , options = ''] = process.argv;
process.stdout.write(JSON.stringify(await new Turn(JSON.parse(options) as ApiTurnOptions).run()));
