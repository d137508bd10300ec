/** Roles of the machine API; they travel as Organization values of a client certificate's subject. */
export const Role = {
  admin: 'os:admin',
  operator: 'os:operator',
  reader: 'os:reader',
  etcdBackup: 'os:etcd:backup',
} as const;

export type Role = (typeof Role)[keyof typeof Role];

/** The roles by name, for messages. */
export const ROLE_NAMES: readonly string[] = Object.values(Role);

const KNOWN: ReadonlySet<string> = new Set(ROLE_NAMES);

/** True for the roles that a server of this version knows; others are kept in certificates and grant nothing. */
export function isKnownRole(text: string): text is Role {
  return KNOWN.has(text);
}
