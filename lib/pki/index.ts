/** Keys, certificates and cluster secrets. Pure computation: no files, no network. */
export * from './authority.js';
export * from './certificate.js';
export * from './issue.js';
export * from './keys.js';
export * from './roles.js';
export * from './secrets.js';
