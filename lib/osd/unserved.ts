/** Calls that the API has and this node does not serve, with what a client is told. */
const ONLY_LOOKS =
  'this version tells the members and the status of etcd (EtcdMemberList, EtcdStatus), and changes nothing of it';
const NO_INSTALLATION = 'nothing is installed on a disk of this node: it boots what it is given';
const NO_META = 'this node has no META partition';
const NO_IMAGES = 'this version does not manage images of containers over the API';

export const UNSERVED: Readonly<Record<string, string>> = {
  EtcdAlarmDisarm: ONLY_LOOKS,
  EtcdAlarmList: ONLY_LOOKS,
  EtcdDefragment: ONLY_LOOKS,
  EtcdDowngradeCancel: ONLY_LOOKS,
  EtcdDowngradeEnable: ONLY_LOOKS,
  EtcdDowngradeValidate: ONLY_LOOKS,
  EtcdForfeitLeadership: ONLY_LOOKS,
  EtcdLeaveCluster: ONLY_LOOKS,
  EtcdRecover: ONLY_LOOKS,
  EtcdRemoveMemberByID: ONLY_LOOKS,
  EtcdSnapshot: ONLY_LOOKS,
  ImageList: NO_IMAGES,
  ImagePull: NO_IMAGES,
  MetaDelete: NO_META,
  MetaWrite: NO_META,
  PacketCapture: 'this version cannot capture packets',
  Rollback: NO_INSTALLATION,
  Upgrade: NO_INSTALLATION,
};
