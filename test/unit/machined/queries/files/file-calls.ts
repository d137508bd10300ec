/** The calls about files as machined answers them, on this machine's own files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { common, machine } from '../../../../../lib/gen/machine/machine.js';
import { MachineServiceDefinition as api } from '../../../../../lib/gen/machine/service.js';
import { fileQueries } from '../../../../../lib/machined/queries/files/index.js';
import { loadNative } from '../../../../../lib/native/index.js';

const native = loadNative();
const streams = fileQueries({ native });

function call<Request, Message>(
  definition: { path: string; requestSerialize(request: Request): Buffer },
  type: { decode(bytes: Uint8Array): Message },
) {
  return async function* (
    request: Request,
    signal: AbortSignal = new AbortController().signal,
  ): AsyncGenerator<Message, void, undefined> {
    const answer = streams[definition.path];
    if (!answer) throw new Error(`nobody answers ${definition.path}`);
    const context = { caller: 'test', signal };
    for await (const bytes of answer(definition.requestSerialize(request), context)) yield type.decode(bytes);
  };
}

export const list = call(api.List, machine.FileInfo);
export const usage = call(api.DiskUsage, machine.DiskUsageInfo);
export const read = call(api.Read, common.Data);
export const copy = call(api.Copy, common.Data);

export async function all<Message>(messages: AsyncIterable<Message>): Promise<Message[]> {
  const found: Message[] = [];
  for await (const message of messages) found.push(message);
  return found;
}

/** Names as `relativeName`, those with an error behind it. */
export async function names(messages: AsyncIterable<{ relativeName?: string; error?: string }>): Promise<string[]> {
  return (await all(messages)).map(({ relativeName, error }) =>
    error ? `${relativeName}: ${error}` : `${relativeName}`,
  );
}

export async function bytesOf(messages: AsyncIterable<common.Data>): Promise<{ bytes: Buffer; told: string[] }> {
  const found = await all(messages);
  return {
    bytes: Buffer.concat(found.map(({ bytes }) => bytes ?? Buffer.alloc(0))),
    told: found.flatMap(({ metadata }) => (metadata?.error ? [metadata.error] : [])),
  };
}

/** A folder that is gone after the test. */
export function temporaryFolder(t: Test, parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, 'talos-file-calls-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
