/** machined's side of blockd, with blockd's handlers behind it over a real connection, in this process. */
import type { Test } from 'tap';
import { ALLOW_LIST, type BlockdContext, blockdHandlers } from '../../../../lib/blockd/handlers.js';
import { ControlServer, type ServerConnection } from '../../../../lib/control/server.js';
import { Blockd } from '../../../../lib/machined/blockd.js';
import { loadNative } from '../../../../lib/native/index.js';

const native = loadNative();

/** @param block  what blockd works with */
export function connectedBlockd(t: Test, block: BlockdContext['block'], sys?: string): Blockd {
  const log = (text: string) => t.comment(text);
  const server = new ControlServer({
    channels: native.channel,
    allow: ALLOW_LIST,
    handlers: blockdHandlers({ block, log, ...(sys !== undefined && { sys }) }),
    log,
  });
  const connections: ServerConnection[] = [];
  t.teardown(() => {
    for (const connection of connections) connection.close();
  });
  return blockdVia((end) => void connections.push(server.accept(end, 'machined')));
}

/** As machined has it, with init played by the test. @param introduce  gives blockd its end of a connection, as init does, or throws as init does */
export function blockdVia(introduce: (end: ReturnType<typeof native.channel.pair>[0]) => void): Blockd {
  const request = async () => {
    const [ours, theirs] = native.channel.pair();
    introduce(theirs);
    return { body: {}, descriptors: [ours] };
  };
  return new Blockd({ init: { request: request as never }, channels: native.channel, block: native.block });
}
