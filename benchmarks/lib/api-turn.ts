/** What a turn of benchmarks/api.ts is asked, and what it tells. */

/** Calls that are measured. Their requests are empty. */
export const API_METHODS = ['Version', 'ServiceList'] as const;
export type ApiMethod = (typeof API_METHODS)[number];

export interface ApiTurnOptions {
  readonly method: ApiMethod;
  readonly port: number;
  /** Of the server, whose CPU time is read. */
  readonly pid: number;
  /** Holds the credentials, and the expected answer by the name of its method. */
  readonly folder: string;
  /** New connections with one call each, one after the other. */
  readonly newConnections: number;
  /** Calls one after the other. */
  readonly calls: number;
  /** Calls of each load, and how many of them are under way at once, on all connections together. */
  readonly loadCalls: number;
  readonly underWay: number;
  /** How many connections each load has, ascending. */
  readonly connections: readonly number[];
}

export interface ApiLoad {
  readonly connections: number;
  readonly callsPerSecond: number;
  /** Of the server, and of this process. */
  readonly serverUsPerCall: number;
  readonly clientUsPerCall: number;
}

export interface ApiTurn {
  /** Milliseconds of each. */
  readonly newConnectionMs: readonly number[];
  readonly callMs: readonly number[];
  readonly loads: readonly ApiLoad[];
}
