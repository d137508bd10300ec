import { constants } from 'node:http2';
import { type ServerInterceptingCallInterface, status } from '@grpc/grpc-js';
import { KIB } from '../base/units.js';
import { CONFIG_TOO_LARGE } from '../config/size.js';
import { MachineServiceDefinition } from '../gen/machine/service.js';
import type { Limits } from './limits.js';
import { StreamSlots } from './stream-slots.js';

/** Calls whose request carries a machine config; those of all others are names, numbers and flags. */
const LARGE: ReadonlySet<string> = new Set([MachineServiceDefinition.ApplyConfiguration.path]);

/** What grpc-js keeps private of a call; without these it must not be served. */
interface Inside {
  maxReceiveMessageSize: number;
  decoder: { maxReadMessageLength: number; write(data: Buffer): Buffer[] };
  stream: { close(code: number): void };
}

/** One call under way: its places, and how long its client may take. */
export interface Admitted {
  /** The whole request is there. */
  received(): void;
  /** The answer is on its way: what is left is up to the client. */
  answered(): void;
  /** Nothing of the call is left. Idempotent. */
  gone(): void;
}

/** Bounds on what calls make osd hold: how many there are, how large their requests, how long a client may send and take an answer. */
export class CallLimits {
  private readonly calls: StreamSlots;
  private readonly large: StreamSlots;

  constructor(private readonly limits: Limits) {
    this.calls = new StreamSlots(limits.maxCalls, limits.maxCallsPerClient, 'calls under way');
    this.large = new StreamSlots(limits.maxLargeCalls, limits.maxLargeCalls, 'large requests under way');
  }

  /**
   * Before anything of the request is read.
   * @param client  fingerprint of the client's certificate
   * @throws RpcError RESOURCE_EXHAUSTED
   */
  admit(call: ServerInterceptingCallInterface, path: string, client: string): Admitted {
    const { maxConfigRequestBytes, maxSmallMessageBytes, requestTimeoutMs, answerTimeoutMs } = this.limits;
    const isLarge = LARGE.has(path);
    const { stream } = isLarge
      ? restrict(call, maxConfigRequestBytes, `the machine config ${CONFIG_TOO_LARGE}`)
      : restrict(call, maxSmallMessageBytes, `the request is larger than ${maxSmallMessageBytes / KIB} KiB`);
    const releases = [this.calls.take(client)];
    const gone = () => {
      clearTimeout(timer);
      for (const release of releases) release();
    };
    let timer = setTimeout(() => {
      const details = `the request did not come within ${requestTimeoutMs / 1000} s`;
      call.sendStatus({ code: status.DEADLINE_EXCEEDED, details, metadata: null });
    }, requestTimeoutMs);
    if (isLarge) {
      try {
        releases.push(this.large.take(client));
      } catch (error) {
        gone();
        throw error;
      }
    }
    return {
      received: () => clearTimeout(timer),
      answered: () => {
        clearTimeout(timer);
        timer = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), answerTimeoutMs);
      },
      gone,
    };
  }
}

/** Of this call, what it decompresses to included. @param why  what the client is told */
function restrict(call: ServerInterceptingCallInterface, maxBytes: number, why: string): Inside {
  const inside = call as unknown as Partial<Inside>;
  if (
    !inside.stream ||
    typeof inside.decoder?.maxReadMessageLength !== 'number' ||
    typeof inside.decoder.write !== 'function'
  ) {
    throw new Error('this grpc-js reads requests in another way');
  }
  inside.maxReceiveMessageSize = maxBytes;
  inside.decoder.maxReadMessageLength = maxBytes;
  const { decoder } = inside;
  const write = decoder.write.bind(decoder);
  // All that it throws for is a message that says that it is too large, with numbers that are nobody's.
  decoder.write = (data) => {
    try {
      return write(data);
    } catch (cause) {
      throw new Error(why, { cause });
    }
  };
  return inside as Inside;
}
