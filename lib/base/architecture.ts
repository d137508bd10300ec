/** An architecture by the name that Debian, Go and the machine API have for it. */
export type Architecture = 'amd64' | 'arm64';

const BY_NODE_NAME: Readonly<Record<string, Architecture>> = { x64: 'amd64', arm64: 'arm64' };

/**
 * The architecture that this program runs on, or another of Node's.
 * @param nodeName  as `process.arch`
 * @returns Node's own name where it is none of ours
 */
export function architectureName(nodeName: string = process.arch): string {
  return BY_NODE_NAME[nodeName] ?? nodeName;
}
