/** A client of etcd. */
export { EtcdClient, type EtcdClientOptions, type EtcdMember, type EtcdMemberStatus } from './client.js';
export { EtcdError } from './errors.js';
