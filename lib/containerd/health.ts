/** Whether containerd answers, and which one it is. */
import { HealthDefinition, VersionDefinition } from '../gen/containerd/service.js';
import type { ContainerdConnection } from './connection.js';

/** '1.7.24' or so, with what a distribution adds. @throws ContainerdError  unavailable when nobody listens */
export async function containerdVersion(connection: ContainerdConnection, timeoutMs?: number): Promise<string> {
  return (await connection.unary(VersionDefinition.Version, {}, { timeoutMs })).version;
}

/** By its own account, all of its parts included that were loaded. @throws as containerdVersion */
export async function isServing(connection: ContainerdConnection, timeoutMs?: number): Promise<boolean> {
  const { status } = await connection.unary(HealthDefinition.Check, { service: '' }, { timeoutMs });
  return status === 1;
}
