/** lib/gen is what proto/ says, and the wire is not broken by accident. */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { control } from '../../../lib/gen/control/control.js';
import { machine } from '../../../lib/gen/machine/machine.js';
import { MachineServiceDefinition } from '../../../lib/gen/machine/service.js';
import { checkout } from '../../helpers/checkout.js';

t.setTimeout(120_000);

type Wire = Record<string, Record<string, string>>;
interface WireTool {
  describeWire(root: unknown): Wire;
  wireBreaks(before: Wire, after: Wire): string[];
}

const tool = (await import(pathToFileURL(join(checkout, 'tools/lib/proto-wire.mjs')).href)) as WireTool;
const { parse } = createRequire(import.meta.url)('protobufjs') as {
  parse(source: string): { root: { resolveAll(): unknown } };
};

const describe = (source: string) =>
  tool.describeWire(parse(`syntax = "proto3"; package p; ${source}`).root.resolveAll());

t.test('the generated code is up to date', async (t) => {
  const script = join(checkout, 'tools/gen-proto.mjs');
  await t.resolves(promisify(execFile)(process.execPath, [script, '--check'], { cwd: checkout }));
  await t.rejects(promisify(execFile)(process.execPath, [script, '--nonsense'], { cwd: checkout }), { code: 2 });
});

t.test('what breaks the wire', async (t) => {
  const before = describe(
    'message M { int32 a = 1; repeated string b = 2; M c = 3; } enum E { X = 0; Y = 1; } service S { rpc R(M) returns (M); }',
  );
  t.strictSame(tool.wireBreaks(before, before), []);
  const more = describe(
    'message M { int32 a = 1; repeated string b = 2; M c = 3; bool d = 4; } message N {} enum E { X = 0; Y = 1; Z = 2; } service S { rpc R(M) returns (M); rpc Q(N) returns (stream N); }',
  );
  t.strictSame(tool.wireBreaks(before, more), [], 'additions do not');
  const less = describe(
    'message M { int64 a = 1; string b = 2; M c = 4; } enum E { X = 0; W = 1; } service S { rpc R(M) returns (stream M); }',
  );
  t.strictSame(tool.wireBreaks(before, less), [
    'p.E.1: was "Y", is "W"',
    'p.M.1: was "int32 a", is "int64 a"',
    'p.M.2: was "repeated string b", is "string b"',
    'p.M.3: was "p.M c", is gone',
    'p.S.R: was "p.M -> p.M", is "p.M -> stream p.M"',
  ]);
  t.strictSame(tool.wireBreaks(before, {}), ['p.E: gone', 'p.M: gone', 'p.S: gone']);
});

t.test('64-bit integers are numbers', async (t) => {
  const bytes = control.Frame.encode({ id: 2 ** 53 - 1, reply: { listServices: {} } }).finish();
  t.equal(control.Frame.decode(bytes).id, 2 ** 53 - 1);
  const memory = machine.MemInfo.encode({ memtotal: 4_096_000_000 }).finish();
  t.equal(machine.MemInfo.decode(memory).memtotal, 4_096_000_000);
});

t.test('bytes as talosctl and other clients send them', async (t) => {
  // Field 5 of LogsRequest is an int32: below zero it takes ten bytes.
  const logs = machine.LogsRequest.decode(Buffer.from('0a0673797374656d12036f7364200128ffffffffffffffffff01', 'hex'));
  t.match(logs, { namespace: 'system', id: 'osd', follow: true, tailLines: -1 });
  const unknown = machine.RebootRequest.decode(Buffer.from('0802f2060378797a', 'hex'));
  t.equal(unknown.mode, machine.RebootRequest.Mode.FORCE, 'fields that nobody knows are skipped');
  t.throws(() => machine.LogsRequest.decode(Buffer.from('0aff', 'hex')), 'a length past the end');
});

t.test('the tables say what the public API says', async (t) => {
  t.equal(MachineServiceDefinition.Logs.path, '/machine.MachineService/Logs');
  const streams = Object.entries(MachineServiceDefinition).filter(([, method]) => method.responseStream);
  t.strictSame(streams.map(([name]) => name).sort(), [
    'Copy',
    'DiskUsage',
    'Dmesg',
    'EtcdSnapshot',
    'Events',
    'ImageList',
    'Kubeconfig',
    'List',
    'Logs',
    'PacketCapture',
    'Read',
  ]);
});
