/** Loaded on demand, see output.ts; a module of our own, because bundling gives a package that is imported on demand no named exports. */
export { stringify } from 'yaml';
