// What failed, in words: with what was found and what was wanted, so that a failure of a machine that is gone can be explained.

/** Failures of one program that are told in full; a program that goes wrong early fails in hundreds of places. */
const mostTold = 5;
const mostLines = 16;
const mostCharacters = 400;
/** What says nothing that the others do not say. */
const leftOut = new Set(['source', 'stack', 'tapError']);

/**
 * One failed assertion of a TAP stream.
 * @param {{fullname?: string, name: string, diag?: Record<string, unknown> | null}} assertion
 * @returns {string} its name; in further lines, indented, what it found
 */
export function describeAssertion({ fullname, name, diag }) {
  const lines = Object.entries(diag ?? {})
    .filter(([key]) => !leftOut.has(key))
    .flatMap(([key, value]) => detail(key, value));
  const shown = lines.slice(0, mostLines).map((line) => `  ${line.slice(0, mostCharacters)}`);
  return [fullname || name, ...shown].join('\n');
}

function detail(key, value) {
  if (key === 'at' && typeof value === 'object' && value !== null) {
    return [`at: ${value.fileName}:${value.lineNumber}`];
  }
  const text = typeof value === 'string' ? value.trimEnd() : JSON.stringify(value, null, 1);
  const lines = String(text).split('\n');
  return lines.length === 1 ? [`${key}: ${text}`] : [`${key}:`, ...lines.map((line) => `  ${line}`)];
}

/**
 * Lines about the failures of one program, for people.
 * @param {readonly string[]} failures  as {@link describeAssertion} gives them
 * @param {string} indent  before each line
 */
export function failureLines(failures, indent) {
  const told = failures.slice(0, mostTold).map((failure) => `failed: ${failure}`);
  if (failures.length > mostTold) told.push(`and ${failures.length - mostTold} more`);
  return told.flatMap((text) => text.split('\n').map((line) => `${indent}${line}`));
}
