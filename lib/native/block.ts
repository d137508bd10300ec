import {
  argumentError,
  checkAbsolutePath,
  checkBoolean,
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
  GptPartitionRequest,
  GptRequest,
  GptTable,
  PartitionSync,
  VerityRequest,
  VerityStatus,
} from './contract.js';

type RawPartition = [typeGuid: string, id: string, name: string, sizeBytes: number, attributes: bigint];

/** What the addon itself exports: requests by position, the timeout last, undefined for none. */
export interface RawBlockModule {
  info(path: string, timeoutMs?: number): Promise<BlockDeviceInfo>;
  inspect(path: string, timeoutMs?: number): Promise<BlockInspection>;
  wipeSignatures(path: string, timeoutMs?: number): Promise<BlockSignature[]>;
  erase(path: string, kind: string, offset: number, length: number, timeoutMs?: number): Promise<void>;
  flush(path: string, timeoutMs?: number): Promise<void>;
  readGpt(path: string, timeoutMs?: number): Promise<GptTable | undefined>;
  createGpt(
    path: string,
    diskId: string,
    replacesGpt: boolean,
    partitions: RawPartition[],
    timeoutMs?: number,
  ): Promise<GptTable>;
  repairGpt(path: string, timeoutMs?: number): Promise<GptTable>;
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
  if (typeof attributes !== 'bigint') {
    throw argumentError('ERR_INVALID_ARG_TYPE', `${name}.attributes`, 'a bigint', attributes);
  }
  if (BigInt.asUintN(64, attributes) !== attributes) {
    throw argumentError('ERR_INVALID_ARG_VALUE', `${name}.attributes`, 'of 64 bits', attributes);
  }
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

/** Without one that is given, those that write have none. */
function timeoutOf(options: BlockTimeout, usualMs?: number): number | undefined {
  checkObject(options, 'options');
  const { timeoutMs = usualMs } = options;
  if (timeoutMs !== undefined) checkInteger(timeoutMs, 'options.timeoutMs', 0, MAX_TIMEOUT_MS);
  return timeoutMs;
}

/**
 * Disks and images of disks. All calls take absolute paths of block devices or regular files and run on threads of their own until the
 * device has answered, or until their deadline. Those that write open the device exclusively, and hold it so until the kernel lets go.
 *
 * @throws ENOTBLK  neither a block device nor a regular file; `erase` and `syncPartitions`: a file
 * @throws EBUSY    to write: the device, one of its partitions, or the disk that it is a part of is mounted or claimed;
 *                  `syncPartitions`: a partition in use would have to change
 * @throws EIO      it cannot be read or written, or does not keep what is written
 * @throws EBADMSG  `readGpt`, `repairGpt`: there is a table and neither copy is valid, with what and where
 * @throws EEXIST   `createGpt`: the disk is not empty, and what is on it; `createVerity`: the name is taken
 * @throws ENOSPC   `createGpt`: which partition does not fit
 * @throws ENOENT   `repairGpt`, `syncPartitions`: no table; the verity calls: no device-mapper in the kernel
 * @throws EINVAL   `syncPartitions`: the device takes no partitions
 * @throws ENXIO    `verityStatus`, `removeMapped`: no device of that name
 * @throws ETIMEDOUT the device did not answer in time; what was to be written may still be · EAGAIN no thread could be made
 */
export function createBlockModule(raw: RawBlockModule): BlockModule {
  const checked =
    <T>(call: (path: string, timeoutMs?: number) => Promise<T>, usualMs?: number) =>
    async (path: string, options: BlockTimeout = {}): Promise<T> => {
      checkAbsolutePath(path, 'path');
      return call(path, timeoutOf(options, usualMs));
    };
  return {
    info: checked(raw.info, READ_TIMEOUT_MS),
    inspect: checked(raw.inspect, READ_TIMEOUT_MS),
    readGpt: checked(raw.readGpt, READ_TIMEOUT_MS),
    wipeSignatures: checked(raw.wipeSignatures),
    flush: checked(raw.flush),
    repairGpt: checked(raw.repairGpt),
    syncPartitions: checked(raw.syncPartitions),
    async erase(path, kind, offset, length, options = {}) {
      checkAbsolutePath(path, 'path');
      checkName(kind, 'kind', ERASE_KINDS);
      checkInteger(offset, 'offset', 0);
      checkInteger(length, 'length', 1);
      await raw.erase(path, kind, offset, length, timeoutOf(options));
    },
    async createGpt(path, request, options = {}) {
      checkAbsolutePath(path, 'path');
      const partitions = toRawPartitions(request);
      const { diskId = '', replacesGpt = false } = request;
      if (diskId !== '') checkGuid(diskId, 'request.diskId');
      checkBoolean(replacesGpt, 'request.replacesGpt');
      return raw.createGpt(path, diskId, replacesGpt, partitions, timeoutOf(options));
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
