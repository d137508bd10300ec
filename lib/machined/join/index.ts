/** What only a node without a CA key needs, loaded by nobody else. */
export { resolveAll } from '../../os/resolve.js';
export * from './join.js';
