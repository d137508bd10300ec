/** Calls that the API has and this node does not serve, with what a client is told. */
const NO_ETCD = 'this node has no etcd of its own to ask: Kubernetes brings it';
const NO_INSTALLATION = 'nothing is installed on a disk of this node: it boots what it is given';
const NO_META = 'this node has no META partition';
const NO_IMAGES = 'this node has no container runtime yet';

export const UNSERVED: Readonly<Record<string, string>> = {
  Bootstrap: NO_ETCD,
  EtcdAlarmDisarm: NO_ETCD,
  EtcdAlarmList: NO_ETCD,
  EtcdDefragment: NO_ETCD,
  EtcdDowngradeCancel: NO_ETCD,
  EtcdDowngradeEnable: NO_ETCD,
  EtcdDowngradeValidate: NO_ETCD,
  EtcdForfeitLeadership: NO_ETCD,
  EtcdLeaveCluster: NO_ETCD,
  EtcdMemberList: NO_ETCD,
  EtcdRecover: NO_ETCD,
  EtcdRemoveMemberByID: NO_ETCD,
  EtcdSnapshot: NO_ETCD,
  EtcdStatus: NO_ETCD,
  ImageList: NO_IMAGES,
  ImagePull: NO_IMAGES,
  MetaDelete: NO_META,
  MetaWrite: NO_META,
  PacketCapture: 'this version cannot capture packets',
  Rollback: NO_INSTALLATION,
  Upgrade: NO_INSTALLATION,
};
