import type { SecureContext } from 'node:tls';
import { type ChannelCredentials, Client, connectivityState } from '@grpc/grpc-js';
import { formatDuration } from '../base/units.js';
import { channelCredentials, channelOptions, isUnverified, type Trust } from './credentials.js';
import { diagnose } from './diagnose.js';
import { type Endpoint, formatEndpoint } from './endpoint.js';
import { ClientError } from './errors.js';
import { UnverifiedCredentials } from './unverified.js';

/** A gRPC connection to one endpoint, made when it is first needed. */
export class Connection {
  readonly name: string;
  private grpc: Client | undefined;
  private connecting: Promise<Client> | undefined;
  private hasFailed = false;
  private readonly closed = new AbortController();

  constructor(
    readonly endpoint: Endpoint,
    private readonly pem: Trust,
    private readonly context: SecureContext,
    private readonly timeoutMs: number,
  ) {
    this.name = formatEndpoint(endpoint);
  }

  /**
   * The client when it is connected. A failure is remembered until {@link forgetFailure}: of many calls only the first waits for it.
   * @throws ClientError  unreachable or denied, with the reason
   */
  ready(): Promise<Client> {
    this.connecting ??= this.connect().catch((error: unknown) => {
      this.hasFailed = true;
      throw error;
    });
    return this.connecting;
  }

  /** The next call tries again. */
  forgetFailure(): void {
    if (this.hasFailed) this.connecting = undefined;
    this.hasFailed = false;
  }

  /** Resolves when a connection that was ready is there no more. */
  async lost(): Promise<void> {
    const channel = (await this.ready()).getChannel();
    while (channel.getConnectivityState(false) === connectivityState.READY) {
      await new Promise((resolve) =>
        channel.watchConnectivityState(connectivityState.READY, Number.POSITIVE_INFINITY, resolve),
      );
    }
  }

  /** Whoever still waits for the connection is told that there will be none. */
  close(): void {
    this.closed.abort(new ClientError('unreachable', `the connection to ${this.name} was closed`));
    this.grpc?.close();
  }

  private credentials(): ChannelCredentials {
    const { endpoint, context, pem } = this;
    return isUnverified(pem)
      ? new UnverifiedCredentials(endpoint, context, pem)
      : channelCredentials(endpoint, context);
  }

  private async connect(): Promise<Client> {
    const deadlineMs = Date.now() + this.timeoutMs;
    // Once more if the diagnosis finds nothing wrong: the node may have been starting.
    for (let attempt = 0; attempt < 2; attempt++) {
      this.closed.signal.throwIfAborted();
      this.grpc?.close();
      this.grpc = new Client(this.name, this.credentials(), channelOptions(this.endpoint));
      if (await this.settled(this.grpc, deadlineMs)) return this.grpc;
      this.closed.signal.throwIfAborted();
      const patienceMs = Math.max(deadlineMs - Date.now(), 1);
      const reason = await diagnose(this.endpoint, this.pem, this.context, patienceMs, this.closed.signal);
      if (reason !== undefined) {
        this.grpc.close();
        throw reason;
      }
    }
    throw new ClientError('unreachable', `cannot reach ${this.name}: it accepts connections and does not keep them`);
  }

  /** @returns true when ready, false when the attempt failed */
  private async settled(grpc: Client, deadlineMs: number): Promise<boolean> {
    const channel = grpc.getChannel();
    for (;;) {
      const state = channel.getConnectivityState(true);
      if (state === connectivityState.READY) return true;
      if (state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN) return false;
      const isLate = await new Promise<boolean>((resolve) =>
        channel.watchConnectivityState(state, deadlineMs, (error) => resolve(error !== undefined)),
      );
      if (isLate) {
        grpc.close();
        throw new ClientError(
          'unreachable',
          `cannot reach ${this.name}: no answer within ${formatDuration(this.timeoutMs)}`,
        );
      }
    }
  }
}
