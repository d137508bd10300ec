import { errorMessage } from '../../base/errors.js';
import { SECOND_MS } from '../../base/units.js';
import { ControlError } from '../../control/errors.js';
import { type google, machine } from '../../gen/machine/machine.js';
import { MachineServiceDefinition as api } from '../../gen/machine/service.js';
import type { ApplyMode } from '../config-keeper.js';
import { unary } from './query.js';
import type { QuerySources } from './sources.js';

const { Mode } = machine.ApplyConfigurationRequest;
const NANOSECONDS_IN_MS = 1_000_000;

/** Calls about the machine config. */
export function configurationQueries({ config }: QuerySources) {
  return {
    ...unary(api.ApplyConfiguration, machine.ApplyConfiguration, async (request, { caller }) => {
      const { mode, details, warnings } = await config.apply({
        text: decodeText(request.data ?? new Uint8Array()),
        mode: modeOf(request.mode ?? 0),
        isDryRun: request.dryRun ?? false,
        tryTimeoutMs: durationMs(request.tryModeTimeout),
        caller,
      });
      return { warnings, mode: Mode[mode], modeDetails: details };
    }),
  };
}

function decodeText(data: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(data);
  } catch (cause) {
    throw new ControlError('INVALID_ARGUMENT', `the machine config is not text: ${errorMessage(cause)}`, { cause });
  }
}

function modeOf(value: number): ApplyMode {
  const name = (Mode as unknown as Record<number, ApplyMode | undefined>)[value];
  if (name === undefined) throw new ControlError('INVALID_ARGUMENT', `there is no mode ${value}`);
  return name;
}

/** 0 when there is none. */
export function durationMs(duration: google.protobuf.Duration.$Properties | null | undefined): number {
  return Number(duration?.seconds ?? 0) * SECOND_MS + Math.ceil((duration?.nanos ?? 0) / NANOSECONDS_IN_MS);
}
