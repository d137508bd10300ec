/** Paths of the calls that machined answers (lib/machined/queries): osd decides who may make them and passes bytes on. */
import { MachineServiceDefinition as machine } from '../gen/machine/service.js';

export const PASSED_ON: ReadonlySet<string> = new Set([machine.Processes].map(({ path }) => path));
