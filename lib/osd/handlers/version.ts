import { BUILD } from '../../base/version.js';
import type { machine } from '../../gen/machine/machine.js';
import type { OsdContext } from '../context.js';

/** GOARCH names of Node's. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

export function version(context: OsdContext): machine.VersionResponse.$Properties {
  return {
    messages: [
      {
        metadata: { hostname: context.hostname() },
        version: {
          ...BUILD,
          goVersion: `node ${process.version}`,
          os: process.platform,
          arch: ARCHITECTURES[process.arch] ?? process.arch,
        },
        platform: { name: 'metal', mode: 'metal' },
        features: { rbac: true },
      },
    ],
  };
}

export function hostname(context: OsdContext): machine.HostnameResponse.$Properties {
  const name = context.hostname();
  return { messages: [{ metadata: { hostname: name }, hostname: name }] };
}
