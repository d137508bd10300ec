import { createHash, timingSafeEqual, X509Certificate } from 'node:crypto';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { DAY_MS } from '../base/units.js';
import { ControlError } from '../control/errors.js';
import type { RequestOf } from '../control/protocol.js';
import type { CallContext, HandlerResult } from '../control/server.js';
import { parseCertificate } from '../pki/index.js';
import { issue } from './certificates.js';
import type { IdentityHolder, NodeIdentity } from './node-identity.js';

export interface NodeCertificateContext {
  identity: IdentityHolder;
  /** Addresses of this node as they are now. */
  ownAddresses(): readonly string[];
  /** Of the certificates; a day by default. */
  lifetimeMs?: number;
  log(text: string): void;
}

const LIFETIME_MS = DAY_MS;
/** By these every node can be reached from itself, and so says every node's certificate. */
const FROM_ITSELF = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1', '::1'] };
/** What no other host can have: unspecified, link-local and multicast addresses. */
const NOBODYS = blockList(['0.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '::/128', 'fe80::/10', 'ff00::/8']);

/**
 * Serves IssueNodeCertificate, for trustd on a control plane: a certificate for a node that joins.
 *
 * The token opens this door and no other. Whoever has it gets a server's certificate, for a day, for the address that the connection
 * comes from, without roles; never one for an address that belongs to a control plane, whose clients would then take the node for it.
 */
export function nodeCertificateHandler({
  identity: holder,
  ownAddresses,
  lifetimeMs = LIFETIME_MS,
  log,
}: NodeCertificateContext) {
  return async (
    { publicKey, address, token }: RequestOf<'issueNodeCertificate'>,
    { signal, deadlineMs }: CallContext,
  ): Promise<HandlerResult<'issueNodeCertificate'>> => {
    const identity = await holder.get(deadlineMs, signal);
    if (!isSameSecret(token, identity.token)) {
      log(`refused a certificate to ${describe(address)}: its token is wrong`);
      throw new ControlError('PERMISSION_DENIED', 'the token is wrong');
    }
    const reason = reasonToRefuse(identity, ownAddresses(), publicKey, address);
    if (reason !== undefined) {
      log(`refused a certificate to ${describe(address)}: ${reason}`);
      throw new ControlError('FAILED_PRECONDITION', reason);
    }
    const pem = await issue({
      ca: identity.ca,
      publicKeyDer: publicKey,
      commonName: address,
      dnsNames: FROM_ITSELF.dnsNames,
      ipAddresses: [address, ...FROM_ITSELF.ipAddresses],
      lifetimeMs,
    });
    log(`issued a certificate to the node at ${address} until ${parseCertificate(pem).notAfter.toISOString()}`);
    return { body: { certificate: Buffer.from(pem), acceptedCas: Buffer.from(identity.acceptedCas) } };
  };
}

function reasonToRefuse(
  { ca, certSans, controlPlaneHost }: NodeIdentity,
  own: readonly string[],
  publicKey: Uint8Array,
  address: string,
): string | undefined {
  if (ca.key === '') return 'this node has no CA key: it is no control plane';
  if (isIP(address) === 0 || address.includes('%') || contains(NOBODYS, address)) {
    return 'its connection does not come from an address that others can reach';
  }
  const taken = new BlockList();
  for (const other of [...own, ...certSans, controlPlaneHost]) {
    const [plain = ''] = other.split('%');
    if (isIP(plain) !== 0) taken.addAddress(plain, family(plain));
  }
  if (contains(taken, address)) return 'its address belongs to a control plane';
  const authority = new X509Certificate(ca.crt).publicKey.export({ type: 'spki', format: 'der' });
  return authority.equals(publicKey) ? 'its key is that of the authority' : undefined;
}

/** Takes the same time whatever is in them: what is compared are digests. */
function isSameSecret(one: string, other: string): boolean {
  const [left, right] = [one, other].map((text) => createHash('sha256').update(text).digest()) as [Buffer, Buffer];
  return timingSafeEqual(left, right);
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}

function contains(list: BlockList, address: string): boolean {
  return list.check(address, family(address));
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', length] = network.split('/');
    list.addSubnet(address, Number(length), family(address));
  }
  return list;
}

/** For the log: trustd says where a connection comes from, and nothing else can be said there. */
function describe(address: string): string {
  return isIP(address) === 0 ? 'a node without an address' : address;
}
