/** JSON patches (RFC 6902) of plain values: the library carries out what was checked here, so that a mistake gets a place and a reason. */
import { applyPatch, type Operation, Pointer } from 'rfc6902';
import { type ConfigDocument, problemAt } from './document.js';
import { ConfigError } from './problem.js';

/** What each operation needs besides `op` and `path`, and whether something has to be at `path` already. */
const OPERATIONS: Readonly<Record<string, { needs?: 'value' | 'from'; isTarget: boolean }>> = {
  add: { needs: 'value', isTarget: true },
  replace: { needs: 'value', isTarget: false },
  test: { needs: 'value', isTarget: false },
  move: { needs: 'from', isTarget: true },
  copy: { needs: 'from', isTarget: true },
  remove: { isTarget: false },
};
/** A pointer of RFC 6901: empty, or names behind slashes with `~` only in `~0` and `~1`. */
const POINTER = /^(\/([^~/]|~[01])*)*$/;
/** Names that the library steps over instead of through. */
const FORBIDDEN: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
const INDEX = /^(0|[1-9]\d*)$/;
const EXAMPLE = 'a place such as /machine/network/hostname';

type Fail = (field: readonly string[], message: string) => never;

/**
 * Applies the operations one after the other.
 * @param target  plain data without shared parts; not changed
 * @param patch  its value is a list of operations
 * @param what  names of the two, for messages
 * @returns the new value
 * @throws ConfigError  with the line of the first operation that is none or that cannot be done; values are never repeated
 */
export function applyJsonPatch(
  target: unknown,
  patch: ConfigDocument,
  what: { config: string; patch: string },
): unknown {
  // In a field of our own: the library changes nothing that has nothing around it, and the empty pointer means the whole.
  const result = { root: structuredClone(target) };
  (patch.value as unknown[]).forEach((given, index) => {
    const fail: Fail = (field, message) => {
      throw new ConfigError([problemAt(patch, [index, ...field], message)], what.patch);
    };
    const operation = checked(given, fail);
    const { op, path } = operation;
    if ('from' in operation) {
      const problem = problemOf(result.root, operation.from, false, what.config);
      if (problem !== undefined) fail(['from'], `cannot ${op}: ${problem}`);
      if (op === 'move' && path.startsWith(`${operation.from}/`))
        fail(['path'], 'cannot move: it is inside of what is moved');
    }
    const problem = problemOf(result.root, path, OPERATIONS[op]?.isTarget ?? false, what.config);
    if (problem !== undefined) fail(['path'], `cannot ${op}: ${problem}`);
    const [error] = applyPatch(result, [inside(operation)]);
    if (op === 'test' && error) fail(['value'], `${what.config} has another value at ${path}`);
    if (error) fail([], `cannot ${op} ${path}`);
  });
  return result.root;
}

function inside(operation: Operation): Operation {
  const path = `/root${operation.path}`;
  return 'from' in operation ? { ...operation, path, from: `/root${operation.from}` } : { ...operation, path };
}

function checked(given: unknown, fail: Fail): Operation {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return fail([], 'must be a map with op and path');
  const fields = given as Record<string, unknown>;
  const operation = typeof fields.op === 'string' && Object.hasOwn(OPERATIONS, fields.op) && OPERATIONS[fields.op];
  if (!operation) return fail(['op'], `must be one of ${Object.keys(OPERATIONS).join(', ')}`);
  const { needs } = operation;
  for (const field of needs === 'from' ? ['path', 'from'] : ['path']) {
    const pointer = fields[field];
    if (typeof pointer !== 'string') return fail([field], `is missing: ${EXAMPLE}`);
    if (!POINTER.test(pointer)) return fail([field], `must begin with a slash: ${EXAMPLE}`);
    if (Pointer.fromJSON(pointer).tokens.some((name) => FORBIDDEN.has(name)))
      return fail([field], 'a field cannot have this name');
  }
  // A field without a value is no field in a config.
  if (needs === 'value' && fields.value === undefined)
    return fail(['value'], 'is missing; to take something away there is op: remove');
  return given as Operation;
}

/**
 * Why nothing is at a place of the config, or why nothing can be put there; undefined if all is well. The library would take any name as an
 * index of a list, and names only the pointer.
 */
function problemOf(root: unknown, pointer: string, isTarget: boolean, config: string): string | undefined {
  const names = pointer.split('/').slice(1);
  let value = root;
  for (const [index, escaped] of names.entries()) {
    const [name = ''] = Pointer.fromJSON(`/${escaped}`).tokens.slice(1);
    const around = `/${names.slice(0, index).join('/')}`;
    const isNew = isTarget && index === names.length - 1;
    if (typeof value !== 'object' || value === null) return `${config} has no map or list at ${around}`;
    if (Array.isArray(value)) {
      if (isNew && name === '-') return undefined;
      const isItem = INDEX.test(name) && Number(name) < value.length + (isNew ? 1 : 0);
      if (!isItem) return `${around} is a list of ${value.length} in ${config}`;
    } else if (!Object.hasOwn(value, name)) {
      return isNew ? undefined : `${config} has nothing at /${names.slice(0, index + 1).join('/')}`;
    }
    value = (value as Record<string, unknown>)[name];
  }
  return undefined;
}
