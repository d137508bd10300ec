import { architectureName } from '../../base/architecture.js';
import { BUILD } from '../../base/version.js';
import type { machine } from '../../gen/machine/machine.js';
import type { OsdContext } from '../context.js';

export function version(context: Pick<OsdContext, 'hostname'>): machine.VersionResponse.$Properties {
  return {
    messages: [
      {
        metadata: { hostname: context.hostname() },
        version: {
          ...BUILD,
          goVersion: `node ${process.version}`,
          os: process.platform,
          arch: architectureName(),
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
