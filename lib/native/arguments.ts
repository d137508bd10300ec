/**
 * Checks of arguments before they cross into the addon, which only asserts. What fails here is a bug of the caller:
 * a TypeError with Node's own codes, ERR_INVALID_ARG_TYPE for the wrong type and ERR_INVALID_ARG_VALUE for a value
 * that no call could take.
 */
import type { FileDescriptor } from './contract.js';

/** Makes the error; for checks that none of the functions here covers. */
export function argumentError(
  kind: 'ERR_INVALID_ARG_TYPE' | 'ERR_INVALID_ARG_VALUE',
  name: string,
  expected: string,
  value: unknown,
): TypeError {
  const received = typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : describe(value);
  return Object.assign(new TypeError(`The argument '${name}' must be ${expected}. Received ${received}`), {
    code: kind,
  });
}

function describe(value: unknown): string {
  if (value === null || typeof value !== 'object') return typeof value === 'function' ? 'a function' : String(value);
  return Array.isArray(value) ? 'an array' : 'an object';
}

/** A string without NUL, which C would take for its end. */
export function checkString(value: unknown, name: string): asserts value is string {
  if (typeof value !== 'string') throw argumentError('ERR_INVALID_ARG_TYPE', name, 'a string', value);
  if (value.includes('\0')) throw argumentError('ERR_INVALID_ARG_VALUE', name, 'a string without null bytes', value);
}

export function checkOptionalString(value: unknown, name: string): asserts value is string | undefined {
  if (value !== undefined) checkString(value, name);
}

export function checkAbsolutePath(value: unknown, name: string): asserts value is string {
  checkString(value, name);
  if (!value.startsWith('/')) throw argumentError('ERR_INVALID_ARG_VALUE', name, 'an absolute path', value);
}

/** One of the names in `known`. */
export function checkName(value: unknown, name: string, known: ReadonlySet<string>): asserts value is string {
  if (typeof value !== 'string') throw argumentError('ERR_INVALID_ARG_TYPE', name, 'a string', value);
  if (!known.has(value)) {
    throw argumentError('ERR_INVALID_ARG_VALUE', name, `one of ${[...known].join(', ')}`, value);
  }
}

/** An array of names out of `known`. */
export function checkNames(value: unknown, name: string, known: ReadonlySet<string>): asserts value is string[] {
  if (!Array.isArray(value)) throw argumentError('ERR_INVALID_ARG_TYPE', name, 'an array of strings', value);
  for (const [position, entry] of value.entries()) checkName(entry, `${name}[${position}]`, known);
}

/** An integer of `minimum` to `maximum`. */
export function checkInteger(
  value: unknown,
  name: string,
  minimum: number,
  maximum: number = Number.MAX_SAFE_INTEGER,
): asserts value is number {
  if (typeof value !== 'number') throw argumentError('ERR_INVALID_ARG_TYPE', name, 'a number', value);
  if (!Number.isSafeInteger(value) || value < minimum || value > maximum) {
    throw argumentError('ERR_INVALID_ARG_VALUE', name, `an integer from ${minimum} to ${maximum}`, value);
  }
}

export function checkBoolean(value: unknown, name: string): asserts value is boolean {
  if (typeof value !== 'boolean') throw argumentError('ERR_INVALID_ARG_TYPE', name, 'a boolean', value);
}

export function checkObject(value: unknown, name: string): asserts value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw argumentError('ERR_INVALID_ARG_TYPE', name, 'an object', value);
  }
}

export function checkFunction(value: unknown, name: string): void {
  if (typeof value !== 'function') throw argumentError('ERR_INVALID_ARG_TYPE', name, 'a function', value);
}

/** An open descriptor handle of this addon. The addon itself refuses objects that only look like one. */
export function checkDescriptor(value: unknown, name: string): asserts value is FileDescriptor {
  if (typeof value !== 'object' || value === null || !('isOpen' in value) || !('releaseNumber' in value)) {
    throw argumentError('ERR_INVALID_ARG_TYPE', name, 'a FileDescriptor', value);
  }
  if (value.isOpen !== true) throw argumentError('ERR_INVALID_ARG_VALUE', name, 'an open FileDescriptor', value);
}
