/**
 * What somebody else's JSON has at a place, or undefined when it has something else there. Own properties only: a key called `__proto__` or
 * `constructor` is a key like any other, and a key that is missing is not found on a prototype.
 */

export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function at(value: unknown, path: readonly string[]): unknown {
  let found = value;
  for (const key of path) {
    if (!isJsonObject(found) || !Object.hasOwn(found, key)) return undefined;
    found = found[key];
  }
  return found;
}

export function objectAt(value: unknown, ...path: string[]): JsonObject | undefined {
  const found = at(value, path);
  return isJsonObject(found) ? found : undefined;
}

/** Empty when there is none. */
export function listAt(value: unknown, ...path: string[]): readonly unknown[] {
  const found = at(value, path);
  return Array.isArray(found) ? found : [];
}

export function textAt(value: unknown, ...path: string[]): string | undefined {
  const found = at(value, path);
  return typeof found === 'string' ? found : undefined;
}

export function numberAt(value: unknown, ...path: string[]): number | undefined {
  const found = at(value, path);
  return typeof found === 'number' ? found : undefined;
}

export function isTrueAt(value: unknown, ...path: string[]): boolean {
  return at(value, path) === true;
}
