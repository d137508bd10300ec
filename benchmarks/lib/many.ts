/** Many mounts, routes, control groups: what lists are measured with. Each needs a namespace of its own (unshare --mount, --net). */
import { mkdirSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CgroupModule, MountModule, NetlinkModule } from '../../lib/native/contract.js';

/** How a measured round reads them, and what takes them away. */
export interface Many {
  /** Reads all of them. @throws Error when the answer is wrong */
  round(): void;
  end(): Promise<void>;
}

/** Mounts of tmpfs, every tenth with a blank in its name, which the kernel's table escapes. @throws Error when one is not in the table */
export function manyMounts(mount: MountModule, count: number): Many {
  const place = mkdtempSync(join(tmpdir(), 'talos-bench-'));
  mount.mountSync({ source: 'tmpfs', target: place, fstype: 'tmpfs', flags: [] });
  const targets = Array.from({ length: count }, (_, number) =>
    join(place, number % 10 === 0 ? `a name ${number}` : `container-${number}-rootfs`),
  );
  for (const target of targets) {
    mkdirSync(target);
    mount.mountSync({ source: 'tmpfs', target, fstype: 'tmpfs', flags: ['nosuid', 'nodev'], data: 'size=64k' });
  }
  const seen = new Set(mount.mountInfo().map(({ mountPoint }) => mountPoint));
  if (!targets.every((target) => seen.has(target))) throw new Error('mounts are missing');
  return {
    round() {
      if (mount.mountInfo().length < count) throw new Error('mounts are missing');
    },
    async end() {
      await mount.umount(place, ['detach']);
      rmdirSync(place);
    },
  };
}

const MAIN_TABLE = 254;
const PRIORITY = 77;

/** Routes with gateways behind one veth interface, at most 65,536. @throws Error when one is not listed */
export function manyRoutes(netlink: NetlinkModule, count: number): Many {
  const index = netlink.link.add({ kind: 'veth', name: 'veth0', peer: { name: 'veth1' }, isUp: true });
  netlink.link.set(netlink.link.get('veth1')?.index ?? 0, { isUp: true });
  netlink.address.add({ index, address: '10.0.0.1/16' });
  const destinations = Array.from({ length: count }, (_, number) => `20.${number >> 8}.${number & 255}.0/24`);
  for (const [number, destination] of destinations.entries()) {
    netlink.route.add({ destination, gateway: `10.0.${number % 200}.2`, index, priority: PRIORITY });
  }
  const list = () => netlink.route.list({ family: 'inet', table: MAIN_TABLE });
  const seen = new Set(list().flatMap((route) => (route.priority === PRIORITY ? [route.destination] : [])));
  if (seen.size !== count || !destinations.every((each) => seen.has(each))) throw new Error('routes are missing');
  return {
    round() {
      // The network's own route is one of them.
      if (list().length !== count + 1) throw new Error('routes are missing');
    },
    // They go with the namespace.
    end: async () => {},
  };
}

/** Control groups with a sampler of their CPU time, which every kernel counts without any controller. */
export function manyCgroups(modules: { cgroup: CgroupModule; mount: MountModule }, count: number): Many {
  const { cgroup, mount } = modules;
  // Wherever the host has its own, if at all: there is one hierarchy.
  const root = mkdtempSync(join(tmpdir(), 'talos-bench-'));
  mount.mountSync({ source: 'cgroup2', target: root, fstype: 'cgroup2', flags: [] });
  const branch = `talos-bench-${process.pid}`;
  const names = Array.from({ length: count }, (_, number) => `${branch}/${number}`);
  cgroup.create(root, branch).close();
  const sampler = cgroup.openSampler({ sets: ['cpu'], maxDescriptors: count });
  for (const name of names) {
    const group = cgroup.create(root, name);
    sampler.add(group);
    group.close();
  }
  return {
    round() {
      const stats = sampler.stats();
      // Nothing has run in them.
      if (stats.length !== count || !stats.every(({ cpu }) => cpu?.usageUsec === 0)) {
        throw new Error('wrong statistics');
      }
    },
    async end() {
      sampler.close();
      for (const name of names) cgroup.remove(root, name);
      cgroup.remove(root, branch);
      await mount.umount(root, ['detach']);
      rmdirSync(root);
    },
  };
}
