import * as z from 'zod';
import { KIB } from '../base/units.js';

/** An object of another project's making, which is passed on as it is: bounded, and nothing else is asked. */
export function smallObject(maxKib: number) {
  return z
    .record(z.string(), z.unknown())
    .refine((value) => JSON.stringify(value).length <= maxKib * KIB, `is larger than ${maxKib} KiB`);
}
