/** The network of a node in the machine config: `machine.network`, and documents of their own kinds that belong to it. */
import * as z from 'zod';
import { familyOf, isPlainAddress } from '../base/ip-address.js';
import { hostname, ipAddress, isCidr } from './fields.js';

/** Bounds: what a node has, many times over. They keep what goes to networkd small. */
const MAX = { interfaces: 64, addresses: 32, routes: 256, hosts: 512, aliases: 16, searchDomains: 16 } as const;

/** Fields that Talos has and that are ignored here with a warning. */
export const UNSUPPORTED_OF_INTERFACE = ['bond', 'bridge', 'bridgePort', 'dummy', 'vip', 'vlans', 'wireguard'] as const;

export const linkName = z.string().regex(/^(?!\.{1,2}$)[^\s/:%]{1,15}$/, 'must be the name of an interface');

const address = z.string().refine(isPlainAddress, 'is not an IP address');
const prefix = z
  .string()
  .refine(
    (text) => isCidr(text) && !text.includes('%') && !text.endsWith('/0'),
    'is not an address such as 10.5.0.2/24',
  );
const network = z
  .string()
  .refine((text) => isCidr(text) && !text.includes('%'), 'is not a network such as 10.244.0.0/16');
const metric = z.int().min(0).max(0xffff_ffff);
/** What IPv4 demands of a link at least (RFC 791), and the most that a packet can have. */
const mtu = z.int().min(68).max(65_536);

const routeSchema = z
  .strictObject({
    network: network.optional().describe('Absent: the default route.'),
    gateway: address.optional().describe('Absent: the network is on the link itself.'),
    source: address.optional().describe('Where packets on this way come from.'),
    metric: metric.optional().describe('The lowest wins. Absent: 0 for IPv4, 1024 for IPv6.'),
    mtu: mtu.optional(),
  })
  .superRefine((route, context) => {
    const texts = [route.network, route.gateway, route.source].filter((text) => text !== undefined);
    const families = new Set(texts.map(familyOf));
    if (route.network === undefined && route.gateway === undefined) {
      context.addIssue({ code: 'custom', message: 'has neither network nor gateway' });
    } else if (families.size > 1) {
      context.addIssue({ code: 'custom', message: 'mixes IPv4 and IPv6' });
    }
  });

const selectorSchema = z
  .strictObject({
    busPath: z.string().min(1).max(255).optional().describe('Such as 0000:00:03.0; * stands for any text, as below.'),
    hardwareAddr: z
      .string()
      .regex(/^[0-9a-f:*]{1,17}$/i, 'is not a hardware address such as 52:54:00:12:34:56, or 52:54:*')
      .optional(),
    pciID: z.string().min(1).max(20).optional().describe('Vendor and device, such as 1af4:1000.'),
    driver: z.string().min(1).max(64).optional(),
    physical: z.boolean().optional().describe('Whether there is a device behind it.'),
  })
  .refine((selector) => Object.values(selector).some((value) => value !== undefined), 'selects nothing')
  .describe('The interfaces that have all of this.');

/** Invisible to TypeScript, so that nothing of ours can come to rely on them. */
const ignored: Record<never, never> = Object.fromEntries(
  UNSUPPORTED_OF_INTERFACE.map((name) => [name, z.unknown().optional()]),
);

const interfaceSchema = z
  .strictObject({
    ...ignored,
    interface: linkName.optional(),
    deviceSelector: selectorSchema.optional(),
    addresses: z.array(prefix).max(MAX.addresses).optional(),
    routes: z.array(routeSchema).max(MAX.routes).optional(),
    mtu: mtu.optional(),
    dhcp: z.boolean().optional().describe('Asks for an IPv4 address.'),
    dhcpOptions: z
      .strictObject({
        routeMetric: metric.optional(),
        ipv4: z.boolean().optional(),
        ipv6: z.boolean().optional(),
        duidv6: z.string().optional(),
      })
      .optional(),
    ignore: z.boolean().optional().describe('Nothing is done to it, whatever else is said.'),
  })
  .superRefine((entry, context) => {
    const isNamed = entry.interface !== undefined;
    if (isNamed === (entry.deviceSelector !== undefined)) {
      const message = isNamed ? 'has both interface and deviceSelector' : 'has neither interface nor deviceSelector';
      context.addIssue({ code: 'custom', message });
    }
  });

/** The fields of `machine.network`. */
export const networkFields = {
  hostname: hostname.optional(),
  interfaces: z.array(interfaceSchema).max(MAX.interfaces).optional(),
  nameservers: z.array(ipAddress).max(16).optional(),
  searchDomains: z.array(hostname).max(MAX.searchDomains).optional(),
  disableSearchDomain: z
    .boolean()
    .optional()
    .describe('Domains of the host name and of DHCP servers are not searched.'),
  extraHostEntries: z
    .array(
      z.strictObject({ ip: address, aliases: z.array(hostname).min(1).max(MAX.aliases) }).describe('For /etc/hosts.'),
    )
    .max(MAX.hosts)
    .optional(),
};

/** A further document that only sets the host name, as newer talosctl versions write it. */
export const hostnameConfigSchema = z.strictObject({
  apiVersion: z.literal('v1alpha1'),
  kind: z.literal('HostnameConfig'),
  hostname: hostname.optional(),
  auto: z.enum(['stable', 'off']).optional(),
});

/** A further document that asks for DHCP on an interface. */
export const dhcpConfigSchema = z.strictObject({
  apiVersion: z.literal('v1alpha1'),
  kind: z.literal('DHCPv4Config'),
  name: linkName,
  routeMetric: metric.optional(),
  ignoreHostname: z.boolean().optional(),
  clientIdentifier: z.enum(['none', 'mac', 'duid']).optional(),
  duidRaw: z.string().optional(),
});

export type DhcpConfig = z.output<typeof dhcpConfigSchema>;
export type InterfaceConfig = z.output<typeof interfaceSchema>;
