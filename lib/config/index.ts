/** Machine config and client config. Everything here is pure; files are in client-config-file.ts. */
export * from './authorities.js';
export * from './client-config.js';
export * from './compare.js';
export * from './generate.js';
export * from './parse.js';
export * from './problem.js';
export { type MachineConfig, machineConfigJsonSchema, machineConfigSchema } from './schema.js';
export * from './secrets-file.js';
export * from './secrets-of-config.js';
export * from './size.js';
export { isIgnored } from './unsupported.js';
