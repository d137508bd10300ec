/** The calls of a node without a machine config: three are served, all others are refused with a sentence. */
import { type ServiceDefinition, status, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { quoted } from '../../base/printable.js';
import { machine } from '../../gen/machine/machine.js';
import { MachineServiceDefinition, StorageServiceDefinition } from '../../gen/machine/service.js';
import { SERVICES } from '../api.js';
import { version } from '../handlers/version.js';
import { type QueryContext, query, sentAhead } from '../queries.js';
import { RpcError, toStatus } from '../status.js';

const { Mode } = machine.ApplyConfigurationRequest;
/** The node goes on with what it is given, without a reboot, in every mode that is about now. */
const MODES_NOW: ReadonlySet<number> = new Set([Mode.AUTO, Mode.NO_REBOOT, Mode.REBOOT]);
const REFUSED =
  'this node has no machine config: it is in maintenance mode and serves ApplyConfiguration, Version and Disks';

interface Call {
  request: unknown;
  getPeer(): string;
}
type Handler = (request: Buffer, peer: string) => unknown;

/** @param log  of failures that the client is not told the cause of */
export function maintenanceServices(
  context: QueryContext,
  log: (line: string) => void,
): { definition: ServiceDefinition; implementation: UntypedServiceImplementation }[] {
  const { Version, ApplyConfiguration } = MachineServiceDefinition;
  const { Disks } = StorageServiceDefinition;
  const served: Readonly<Record<string, Handler>> = {
    [Version.path]: () => version(context),
    [ApplyConfiguration.path]: (request, peer) => applyConfiguration(context, request, peer),
    [Disks.path]: (request, peer) => query(context, Disks.path, request, { identity: NOBODY, peer }),
  };
  return SERVICES.map((service) => ({
    definition: Object.fromEntries(
      Object.entries(service).map(([name, method]) => [
        name,
        {
          ...method,
          requestDeserialize: (bytes: Buffer) => bytes,
          responseSerialize: (message: unknown) =>
            Buffer.isBuffer(message) ? message : method.responseSerialize(message),
        },
      ]),
    ) as unknown as ServiceDefinition,
    implementation: Object.fromEntries(
      Object.entries(service).map(([name, { path, requestStream, responseStream }]) => {
        const handler = served[path];
        if (handler) return [name, unary(handler, path, log)];
        const error = Object.assign(new Error(REFUSED), { code: status.UNIMPLEMENTED, details: REFUSED });
        if (requestStream || !responseStream) return [name, (_call: unknown, done: (e: Error) => void) => done(error)];
        return [name, (call: { emit(event: 'error', error: Error): void }) => void call.emit('error', error)];
      }),
    ) as UntypedServiceImplementation,
  }));
}

/** What takes the place of a certificate in the log. */
const NOBODY = { fingerprint: '', commonName: '', roles: [], notAfterMs: 0 };

function unary(handler: Handler, path: string, log: (line: string) => void) {
  return async (call: Call, done: (error: Error | null, reply?: unknown) => void): Promise<void> => {
    try {
      done(null, await handler(call.request as Buffer, call.getPeer()));
    } catch (error) {
      const { code, details, isOurFault } = toStatus(error);
      if (isOurFault) log(`${path} failed: ${error instanceof Error ? error.stack : String(error)}`);
      done(Object.assign(new Error(details), { code, details }));
    }
  };
}

/** @throws RpcError INVALID_ARGUMENT · UNIMPLEMENTED · ControlError  what machined says about the config */
async function applyConfiguration(
  { machined, hostname }: QueryContext,
  bytes: Buffer,
  peer: string,
): Promise<machine.ApplyConfigurationResponse.$Properties> {
  let request: machine.ApplyConfigurationRequest;
  try {
    request = machine.ApplyConfigurationRequest.decode(bytes);
  } catch (cause) {
    throw new RpcError(status.INVALID_ARGUMENT, 'the request cannot be read', { cause });
  }
  if (!MODES_NOW.has(request.mode)) {
    const name = Mode[request.mode] ?? String(request.mode);
    throw new RpcError(
      status.UNIMPLEMENTED,
      `mode ${quoted(name)} is for a node that has a machine config; this one has none: apply it with mode auto`,
    );
  }
  const client = await machined();
  const { inline, upload } = await sentAhead(client, request.data);
  const source = `a client without a certificate at ${peer}`;
  const offer = { data: inline, upload, source, isDryRun: request.dryRun, problem: '' };
  const { body } = await client.request('offerConfig', offer);
  const modeDetails = request.dryRun
    ? 'dry run, nothing was changed; without it: taken, and the node goes on with it without a reboot'
    : 'taken; the node goes on with it without a reboot, and lets in clients of its own authority only';
  return {
    messages: [{ metadata: { hostname: hostname() }, warnings: body.warnings, mode: Mode.NO_REBOOT, modeDetails }],
  };
}
