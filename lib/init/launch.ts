import { chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ControlServer, ServerConnection } from '../control/server.js';
import type { Child, FileDescriptor, LogRing, NativeAddon } from '../native/contract.js';
import type { ServiceDefinition } from './definition.js';

export interface LaunchContext {
  native: Pick<NativeAddon, 'process' | 'descriptor' | 'channel'>;
  ring: LogRing;
  /** The directory the process is born in; absent where the kernel has no cgroup2. */
  cgroup?: FileDescriptor | undefined;
  /** Serves the control connection of a service that has one. */
  control: ControlServer;
}

const RUNTIME_FOLDERS = '/run';

export interface Launched {
  child: Child;
  connection?: ServerConnection;
}

/**
 * Starts the process of a service: output into its ring, descriptor 3 for its control connection, nothing else of ours open.
 * Returns once it has been exec'ed (about a millisecond).
 * @throws the error of the system call that failed, with `stage` if it was in the child; nothing is left open then, and no process runs on
 */
export function launch(definition: ServiceDefinition, { native, ring, cgroup, control }: LaunchContext): Launched {
  if (definition.runtimeFolder) makeRuntimeFolder(definition);
  const opened: FileDescriptor[] = [];
  const keep = <T extends FileDescriptor[]>(pair: T): T => {
    opened.push(...pair);
    return pair;
  };
  try {
    const [stdoutReader, stdout] = keep(native.descriptor.pipe());
    const [stderrReader, stderr] = keep(native.descriptor.pipe());
    const sockets = definition.control ? keep(native.channel.pair()) : undefined;
    const child = native.process.spawn({
      file: definition.file,
      argv: definition.argv,
      env: definition.env,
      cwd: '/',
      uid: definition.uid,
      gid: definition.gid,
      groups: [],
      ...(definition.capabilities && { capabilities: definition.capabilities }),
      noNewPrivileges: definition.noNewPrivileges,
      rlimits: definition.rlimits,
      oomScoreAdj: definition.oomScoreAdj,
      session: true,
      ...(cgroup && { cgroup }),
      stdin: 'null',
      stdout,
      stderr,
      ...(sockets && { descriptors: [sockets[1]] }),
    });
    try {
      ring.attach(stdoutReader, 'stdout');
      ring.attach(stderrReader, 'stderr');
      return { child, ...(sockets && { connection: control.accept(sockets[0], definition.id) }) };
    } catch (error) {
      // Nobody would hear it, or look after it: and the next one could not be started beside it.
      child.kill('SIGKILL');
      throw error;
    }
  } finally {
    // What was taken over by the ring or the connection is empty by now; closing an empty handle does nothing.
    for (const descriptor of opened) descriptor.close();
  }
}

/** What a service writes there is still there when it is started again. The id has no slash (definition.ts). */
function makeRuntimeFolder({ id, uid, gid }: ServiceDefinition): void {
  const folder = join(RUNTIME_FOLDERS, id);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  chownSync(folder, uid, gid);
}
