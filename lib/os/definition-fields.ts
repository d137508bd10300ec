import { TalosError } from '../base/errors.js';
import type { CgroupLimits, ResourceLimit } from '../native/contract.js';

const LIMIT_NAME = /^[a-z]+$/;

/** @throws TalosError  when the text is not one JSON object. */
export function parseObject(name: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TalosError('ERR_SERVICE_DEFINITION', `service ${name}: not JSON`, { cause });
  }
  if (!isObject(value)) throw new TalosError('ERR_SERVICE_DEFINITION', `service ${name}: not an object`);
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Typed access to the fields of one object, remembering which were asked for. */
export class Fields {
  private readonly known = new Set<string>();

  constructor(
    private readonly name: string,
    private readonly values: Record<string, unknown>,
  ) {}

  problem(field: string, what: string): TalosError {
    return new TalosError('ERR_SERVICE_DEFINITION', `service ${this.name}: ${field} ${what}`);
  }

  /** @throws for a field that nobody asked for: a misspelt limit must not be a missing limit. */
  refuseOthers(): void {
    const other = Object.keys(this.values).find((field) => !this.known.has(field));
    if (other !== undefined) throw this.problem(other, 'is not a field of a service');
  }

  optional<T>(field: string, read: () => T): T | undefined {
    return this.take(field) === undefined ? undefined : read();
  }

  string(field: string, pattern: RegExp): string {
    const value = this.take(field);
    if (typeof value !== 'string') throw this.problem(field, 'must be a string');
    if (!pattern.test(value)) throw this.problem(field, `is not valid: ${JSON.stringify(value)}`);
    return value;
  }

  strings(field: string, pattern: RegExp): string[] {
    const value = this.take(field);
    if (!Array.isArray(value)) throw this.problem(field, 'must be a list');
    const wrong = value.findIndex((item) => typeof item !== 'string' || !pattern.test(item));
    if (wrong !== -1) throw this.problem(`${field}[${wrong}]`, `is not valid: ${JSON.stringify(value[wrong])}`);
    return value as string[];
  }

  integer(field: string, min: number, max: number, fallback: number): number {
    const value = this.take(field);
    if (value === undefined) return fallback;
    if (!isIntegerWithin(value, min, max)) throw this.problem(field, `must be a whole number from ${min} to ${max}`);
    return value;
  }

  boolean(field: string, fallback: boolean): boolean {
    const value = this.take(field) ?? fallback;
    if (typeof value !== 'boolean') throw this.problem(field, 'must be true or false');
    return value;
  }

  choice<T extends string>(field: string, choices: readonly T[], fallback: T): T {
    const value = this.take(field) ?? fallback;
    if (!choices.includes(value as T)) throw this.problem(field, `must be one of ${choices.join(', ')}`);
    return value as T;
  }

  environment(field: string): Record<string, string> {
    const entries = Object.entries(this.object(field));
    for (const [name, value] of entries) {
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw this.problem(`${field}.${name}`, 'is no name of a variable');
      if (typeof value !== 'string' || value.includes('\0')) throw this.problem(`${field}.${name}`, 'must be a string');
    }
    return Object.fromEntries(entries) as Record<string, string>;
  }

  rlimits(field: string): Record<string, ResourceLimit> {
    const entries = Object.entries(this.object(field)).map(([name, value]): [string, ResourceLimit] => {
      if (!LIMIT_NAME.test(name)) throw this.problem(`${field}.${name}`, 'is no name of a limit');
      if (!isObject(value) || Object.keys(value).sort().join() !== 'hard,soft') {
        throw this.problem(`${field}.${name}`, 'must have soft and hard, nothing else');
      }
      const { soft, hard } = value;
      if (!isIntegerWithin(soft, -1) || !isIntegerWithin(hard, -1)) {
        throw this.problem(`${field}.${name}`, 'must be whole numbers, -1 for unlimited');
      }
      if (hard !== -1 && (soft === -1 || soft > hard)) throw this.problem(`${field}.${name}`, 'has soft above hard');
      return [name, { soft, hard }];
    });
    return Object.fromEntries(entries);
  }

  cgroup(field: string): CgroupLimits {
    const limits = new Fields(`${this.name}: ${field}`, this.object(field));
    const result: CgroupLimits = {};
    for (const name of ['memoryMin', 'memoryLow', 'memoryHigh', 'memoryMax', 'pidsMax'] as const) {
      limits.optional(name, () => {
        result[name] = limits.integer(name, -1, Number.MAX_SAFE_INTEGER, -1);
      });
    }
    limits.optional('memoryOomGroup', () => {
      result.memoryOomGroup = limits.boolean('memoryOomGroup', false);
    });
    limits.optional('cpuWeight', () => {
      result.cpuWeight = limits.integer('cpuWeight', 1, 10_000, 100);
    });
    limits.refuseOthers();
    return result;
  }

  private object(field: string): Record<string, unknown> {
    const value = this.take(field) ?? {};
    if (!isObject(value)) throw this.problem(field, 'must be an object');
    return value;
  }

  /** Own properties only: what `Object.prototype` offers is no field of a definition. */
  private take(field: string): unknown {
    this.known.add(field);
    return Object.hasOwn(this.values, field) ? this.values[field] : undefined;
  }
}

function isIntegerWithin(value: unknown, min: number, max = Number.MAX_SAFE_INTEGER): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
}
