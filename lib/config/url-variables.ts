/** Names of a machine in the URL of its config: `${uuid}` and the like, as the public documentation of `talos.config=` has them. */

/** What can be put in their place: SMBIOS says the first two, the network the others. */
export const URL_VARIABLES = ['uuid', 'serial', 'mac', 'hostname'] as const;
export type UrlVariable = (typeof URL_VARIABLES)[number];
export type UrlValues = Readonly<Partial<Record<UrlVariable, string>>>;

const VARIABLE = new RegExp(`\\$\\{(${URL_VARIABLES.join('|')})\\}`, 'g');
/** Of an absolute URL: all before its path, query or fragment. */
const AUTHORITY = /^[^:/?#]*:\/\/[^/?#]*/;

/** Those that a text has, each once. */
export function variablesOf(text: string): UrlVariable[] {
  return [...new Set([...text.matchAll(VARIABLE)].map(([, name]) => name as UrlVariable))];
}

/** Whether one stands where it would decide who is asked. */
export function hasVariableInAuthority(text: string): boolean {
  return variablesOf(AUTHORITY.exec(text)?.[0] ?? '').length > 0;
}

/**
 * Puts values in their place. What has none stays as it is.
 * A value is escaped, so it is one piece of a path or one value of a query, whatever the firmware or a DHCP server says.
 */
export function withValues(text: string, values: UrlValues): string {
  return text.replace(VARIABLE, (whole, name: UrlVariable) => {
    const value = values[name];
    return value === undefined ? whole : encodeURIComponent(value);
  });
}
