/** Roles of the machine API; they travel as Organization values of a client certificate's subject. */
export const Role = {
  admin: 'os:admin',
  operator: 'os:operator',
  reader: 'os:reader',
  etcdBackup: 'os:etcd:backup',
} as const;

export type Role = (typeof Role)[keyof typeof Role];

const KNOWN: ReadonlySet<string> = new Set(Object.values(Role));

/** True for the roles that a server of this version knows; others are kept in certificates and grant nothing. */
export function isKnownRole(text: string): text is Role {
  return KNOWN.has(text);
}
