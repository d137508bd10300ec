/** What a service's container needs of containerd: tests have their own, and gRPC is loaded with the one there is (containerd-runtime.ts). */
import { BUILD } from '../../base/version.js';
import type { Task } from '../../containerd/index.js';
import type { ContainerDefinition } from './definition.js';

/** Paths that containerd's shim opens for the output of a container. */
export interface ContainerLog {
  stdout: string;
  stderr: string;
  /** When the shim has them. */
  close(): void;
}

export interface ContainerRuntime {
  /** Imports the image unless it is there already. @returns its snapshot */
  prepare(definition: ContainerDefinition): Promise<string>;
  run(definition: ContainerDefinition, snapshot: string, log: ContainerLog): Promise<number>;
  task(id: string): Promise<Task | undefined>;
  wait(id: string): Promise<number | undefined>;
  signal(id: string, signal: number): Promise<void>;
  /** How many of its processes the kernel has killed for want of memory, in this run; asked before it is removed. */
  outOfMemoryKills(id: string): Promise<number>;
  remove(id: string): Promise<void>;
  /** A failure that is only containerd's absence: what runs goes on. */
  isAbsence(error: unknown): boolean;
}

/** The image of a service as people see it. */
export function imageName({ id }: Pick<ContainerDefinition, 'id'>): string {
  return `talos.local/${id}:${BUILD.tag}`;
}
