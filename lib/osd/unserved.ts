/** Calls that the API has and this node does not serve, with what a client is told. */
const ONLY_MEMBERS =
  'of etcd this version tells the members and the status, and removes members (EtcdMemberList, EtcdStatus, EtcdRemoveMemberByID)';
const NO_INSTALLATION = 'nothing is installed on a disk of this node: it boots what it is given';
const NO_META = 'this node has no META partition';
const NO_IMAGES = 'this version does not manage images of containers over the API';

export const UNSERVED: Readonly<Record<string, string>> = {
  EtcdAlarmDisarm: ONLY_MEMBERS,
  EtcdAlarmList: ONLY_MEMBERS,
  EtcdDefragment: ONLY_MEMBERS,
  EtcdDowngradeCancel: ONLY_MEMBERS,
  EtcdDowngradeEnable: ONLY_MEMBERS,
  EtcdDowngradeValidate: ONLY_MEMBERS,
  EtcdForfeitLeadership: ONLY_MEMBERS,
  EtcdLeaveCluster: ONLY_MEMBERS,
  EtcdRecover: ONLY_MEMBERS,
  EtcdSnapshot: ONLY_MEMBERS,
  ImageList: NO_IMAGES,
  ImagePull: NO_IMAGES,
  MetaDelete: NO_META,
  MetaWrite: NO_META,
  PacketCapture: 'this version cannot capture packets',
  Rollback: NO_INSTALLATION,
  Upgrade: NO_INSTALLATION,
};
