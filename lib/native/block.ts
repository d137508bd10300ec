import {
  argumentError,
  checkAbsolutePath,
  checkBoolean,
  checkDescriptor,
  checkInteger,
  checkName,
  checkObject,
  checkOptionalString,
  checkString,
} from './arguments.js';
import type {
  BlockDeviceInfo,
  BlockInspection,
  BlockModule,
  BlockSignature,
  BlockTimeout,
  DeviceTarget,
  FileDescriptor,
  GptPartitionChange,
  GptPartitionRequest,
  GptRequest,
  GptTable,
  Growth,
  PartitionSync,
  VerityRequest,
  VerityStatus,
} from './contract.js';

type RawChange = [number: number, attributes: bigint | undefined, grows: boolean];
type RawPartition = [typeGuid: string, id: string, name: string, sizeBytes: number, attributes: bigint];

/** What the addon itself exports: requests by position, the timeout last, undefined for none. */
export interface RawBlockModule {
  openExclusively(path: string, timeoutMs?: number): Promise<FileDescriptor>;
  info(device: DeviceTarget, timeoutMs?: number): Promise<BlockDeviceInfo>;
  inspect(device: DeviceTarget, timeoutMs?: number): Promise<BlockInspection>;
  wipeSignatures(device: DeviceTarget, timeoutMs?: number): Promise<BlockSignature[]>;
  erase(device: DeviceTarget, kind: string, offset: number, length: number, timeoutMs?: number): Promise<void>;
  flush(device: DeviceTarget, timeoutMs?: number): Promise<void>;
  growExt4(folder: FileDescriptor, timeoutMs?: number): Promise<Growth>;
  readGpt(path: string, timeoutMs?: number): Promise<GptTable | undefined>;
  createGpt(
    path: string,
    diskId: string,
    replacesGpt: boolean,
    partitions: RawPartition[],
    timeoutMs?: number,
  ): Promise<GptTable>;
  repairGpt(path: string, timeoutMs?: number): Promise<GptTable>;
  changeGpt(path: string, changes: RawChange[], mayBeInUse: boolean, timeoutMs?: number): Promise<GptTable>;
  syncPartitions(path: string, timeoutMs?: number): Promise<PartitionSync>;
  /** texts: dataDevice, hashDevice, algorithm, rootDigest, salt, onCorruption; numbers: block bytes of data and hash, dataBlocks, hashStartBlock. */
  createVerity(
    name: string,
    uuid: string,
    texts: string[],
    numbers: number[],
    ignoresZeroBlocks: boolean,
    timeoutMs?: number,
  ): Promise<VerityStatus>;
  verityStatus(name: string, timeoutMs?: number): Promise<VerityStatus>;
  removeMapped(name: string, deferred: boolean, timeoutMs?: number): Promise<void>;
}

/** Of calls that only read. */
const READ_TIMEOUT_MS = 30_000;
const MAX_TIMEOUT_MS = 2 ** 31;
const ERASE_KINDS: ReadonlySet<string> = new Set(['discard', 'secure', 'zero']);
const ON_CORRUPTION: ReadonlySet<string> = new Set(['error', 'restart', 'panic']);
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const ZERO_GUID = '00000000-0000-0000-0000-000000000000';
const MAX_PARTITIONS = 128;
const MAX_NAME_UNITS = 36;
const MAX_BLOCK_BYTES = 65_536;

function checkGuid(value: unknown, name: string): asserts value is string {
  checkString(value, name);
  if (!GUID.test(value) || value === ZERO_GUID) throw argumentError('ERR_INVALID_ARG_VALUE', name, 'a GUID', value);
}

function checkAttributes(value: unknown, name: string): asserts value is bigint {
  if (typeof value !== 'bigint') throw argumentError('ERR_INVALID_ARG_TYPE', name, 'a bigint', value);
  if (BigInt.asUintN(64, value) !== value) throw argumentError('ERR_INVALID_ARG_VALUE', name, 'of 64 bits', value);
}

function toRawChange(change: GptPartitionChange, name: string): RawChange {
  checkObject(change, name);
  const { number, attributes, grows = false } = change;
  checkInteger(number, `${name}.number`, 1, MAX_PARTITIONS);
  if (attributes !== undefined) checkAttributes(attributes, `${name}.attributes`);
  checkBoolean(grows, `${name}.grows`);
  return [number, attributes, grows];
}

function toRawPartition(partition: GptPartitionRequest, name: string, isLast: boolean): RawPartition {
  checkObject(partition, name);
  const { typeGuid, id = '', sizeBytes = 0, attributes = 0n } = partition;
  checkGuid(typeGuid, `${name}.typeGuid`);
  if (id !== '') checkGuid(id, `${name}.id`);
  checkString(partition.name, `${name}.name`);
  if (partition.name.length > MAX_NAME_UNITS) {
    throw argumentError('ERR_INVALID_ARG_VALUE', `${name}.name`, 'at most 36 UTF-16 units', partition.name);
  }
  if (partition.sizeBytes !== undefined || !isLast) checkInteger(partition.sizeBytes, `${name}.sizeBytes`, 1);
  checkAttributes(attributes, `${name}.attributes`);
  return [typeGuid, id, partition.name, sizeBytes, attributes];
}

function toRawPartitions(request: GptRequest): RawPartition[] {
  checkObject(request, 'request');
  const { partitions } = request;
  if (!Array.isArray(partitions)) {
    throw argumentError('ERR_INVALID_ARG_TYPE', 'request.partitions', 'an array', partitions);
  }
  if (partitions.length > MAX_PARTITIONS) {
    throw argumentError('ERR_INVALID_ARG_VALUE', 'request.partitions', 'at most 128 partitions', partitions);
  }
  return partitions.map((each, at) => toRawPartition(each, `request.partitions[${at}]`, at === partitions.length - 1));
}

function checkVerity(request: VerityRequest): Required<VerityRequest> {
  checkObject(request, 'request');
  const whole = {
    uuid: '',
    dataBlockBytes: 4096,
    hashBlockBytes: 4096,
    algorithm: 'sha256',
    salt: '',
    onCorruption: 'error' as const,
    ignoresZeroBlocks: false,
    ...request,
  };
  checkString(whole.name, 'request.name');
  checkOptionalString(whole.uuid, 'request.uuid');
  checkAbsolutePath(whole.dataDevice, 'request.dataDevice');
  checkAbsolutePath(whole.hashDevice, 'request.hashDevice');
  checkInteger(whole.dataBlockBytes, 'request.dataBlockBytes', 512, MAX_BLOCK_BYTES);
  checkInteger(whole.hashBlockBytes, 'request.hashBlockBytes', 512, MAX_BLOCK_BYTES);
  checkInteger(whole.dataBlocks, 'request.dataBlocks', 1);
  checkInteger(whole.hashStartBlock, 'request.hashStartBlock', 0);
  checkString(whole.algorithm, 'request.algorithm');
  checkString(whole.rootDigest, 'request.rootDigest');
  checkString(whole.salt, 'request.salt');
  checkName(whole.onCorruption, 'request.onCorruption', ON_CORRUPTION);
  checkBoolean(whole.ignoresZeroBlocks, 'request.ignoresZeroBlocks');
  return whole;
}

function checkTarget(value: unknown): asserts value is DeviceTarget {
  if (typeof value === 'string') checkAbsolutePath(value, 'device');
  else checkDescriptor(value, 'device');
}

/** Without one that is given, those that write have none. */
function timeoutOf(options: BlockTimeout, usualMs?: number): number | undefined {
  checkObject(options, 'options');
  const { timeoutMs = usualMs } = options;
  if (timeoutMs !== undefined) checkInteger(timeoutMs, 'options.timeoutMs', 0, MAX_TIMEOUT_MS);
  return timeoutMs;
}

/**
 * Disks and images of disks. All calls but `growExt4` take absolute paths of block devices or regular files; some take an open one as well, with
 * whatever it was opened for, and then need no right of their own. All run on threads of their own until the device has answered, or until their
 * deadline. Those that write open the device exclusively, and hold it so until the kernel lets go.
 *
 * @throws EBADF    an open one that was not opened for it
 * @throws ENOTBLK  neither a block device nor a regular file; `erase` and `syncPartitions`: a file
 * @throws EBUSY    to write: the device, one of its partitions, or the disk that it is a part of is mounted or claimed;
 *                  `syncPartitions`: a partition in use would have to move, become shorter, or go
 * @throws EIO      it cannot be read or written, or does not keep what is written
 * @throws EBADMSG  `readGpt`, `repairGpt`, `changeGpt`: there is a table and neither copy is valid, with what and where
 * @throws EEXIST   `createGpt`: the disk is not empty, and what is on it; `createVerity`: the name is taken
 * @throws ENOSPC   `createGpt`: which partition does not fit
 * @throws ENOENT   `repairGpt`, `changeGpt`: no table; `syncPartitions`: one of another kind; `changeGpt`: no such partition; the verity calls: no device-mapper in the kernel
 * @throws EINVAL   `syncPartitions`: the device takes no partitions; `changeGpt`: another partition lies behind one that is to grow
 * @throws ENXIO    `verityStatus`, `removeMapped`: no device of that name
 * @throws EPERM    `growExt4`: the file system has found faults in itself, or CAP_SYS_RESOURCE is missing · EROFS · EBUSY it is grown already ·
 *                  EINVAL, EOPNOTSUPP its layout does not allow it · ENOTSUP no ext4 on a block device
 * @throws ETIMEDOUT the device did not answer in time; what was to be written may still be · EAGAIN no thread could be made
 */
export function createBlockModule(raw: RawBlockModule): BlockModule {
  const checked =
    <T>(call: (path: string, timeoutMs?: number) => Promise<T>, usualMs?: number) =>
    async (path: string, options: BlockTimeout = {}): Promise<T> => {
      checkAbsolutePath(path, 'path');
      return call(path, timeoutOf(options, usualMs));
    };
  const onTarget =
    <T>(call: (device: DeviceTarget, timeoutMs?: number) => Promise<T>, usualMs?: number) =>
    async (device: DeviceTarget, options: BlockTimeout = {}): Promise<T> => {
      checkTarget(device);
      return call(device, timeoutOf(options, usualMs));
    };
  return {
    openExclusively: checked(raw.openExclusively, READ_TIMEOUT_MS),
    info: onTarget(raw.info, READ_TIMEOUT_MS),
    inspect: onTarget(raw.inspect, READ_TIMEOUT_MS),
    readGpt: checked(raw.readGpt, READ_TIMEOUT_MS),
    wipeSignatures: onTarget(raw.wipeSignatures),
    flush: onTarget(raw.flush),
    repairGpt: checked(raw.repairGpt),
    syncPartitions: checked(raw.syncPartitions),
    async growExt4(folder, options = {}) {
      checkDescriptor(folder, 'folder');
      return raw.growExt4(folder, timeoutOf(options));
    },
    async erase(device, kind, offset, length, options = {}) {
      checkTarget(device);
      checkName(kind, 'kind', ERASE_KINDS);
      checkInteger(offset, 'offset', 0);
      checkInteger(length, 'length', 1);
      await raw.erase(device, kind, offset, length, timeoutOf(options));
    },
    async createGpt(path, request, options = {}) {
      checkAbsolutePath(path, 'path');
      const partitions = toRawPartitions(request);
      const { diskId = '', replacesGpt = false } = request;
      if (diskId !== '') checkGuid(diskId, 'request.diskId');
      checkBoolean(replacesGpt, 'request.replacesGpt');
      return raw.createGpt(path, diskId, replacesGpt, partitions, timeoutOf(options));
    },
    async changeGpt(path, changes, options = {}) {
      checkAbsolutePath(path, 'path');
      if (!Array.isArray(changes)) throw argumentError('ERR_INVALID_ARG_TYPE', 'changes', 'an array', changes);
      const raws = changes.map((each, at) => toRawChange(each, `changes[${at}]`));
      const timeoutMs = timeoutOf(options);
      const { mayBeInUse = false } = options;
      checkBoolean(mayBeInUse, 'options.mayBeInUse');
      return raw.changeGpt(path, raws, mayBeInUse, timeoutMs);
    },
    async createVerity(request, options = {}) {
      const whole = checkVerity(request);
      return raw.createVerity(
        whole.name,
        whole.uuid,
        [whole.dataDevice, whole.hashDevice, whole.algorithm, whole.rootDigest, whole.salt, whole.onCorruption],
        [whole.dataBlockBytes, whole.hashBlockBytes, whole.dataBlocks, whole.hashStartBlock],
        whole.ignoresZeroBlocks,
        timeoutOf(options),
      );
    },
    async verityStatus(name, options = {}) {
      checkString(name, 'name');
      return raw.verityStatus(name, timeoutOf(options, READ_TIMEOUT_MS));
    },
    async removeMapped(name, options = {}) {
      checkString(name, 'name');
      const timeoutMs = timeoutOf(options);
      const { deferred = false } = options;
      checkBoolean(deferred, 'options.deferred');
      await raw.removeMapped(name, deferred, timeoutMs);
    },
  };
}
