/** What only a node without a CA key needs, loaded by nobody else. */
export * from './endpoint-addresses.js';
export * from './join.js';
