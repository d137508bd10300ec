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
  GptPartitionRequest,
  GptRequest,
  GptTable,
  PartitionSync,
  VerityRequest,
  VerityStatus,
} from './contract.js';

type RawPartition = [typeGuid: string, id: string, name: string, sizeBytes: number, attributes: bigint];

/** What the addon itself exports: requests by position. */
export interface RawBlockModule {
  info(path: string): Promise<BlockDeviceInfo>;
  inspect(path: string): Promise<BlockInspection>;
  wipeSignatures(path: string): Promise<BlockSignature[]>;
  erase(path: string, kind: string, offset: number, length: number): Promise<void>;
  flush(path: string): Promise<void>;
  readGpt(path: string): Promise<GptTable | undefined>;
  createGpt(path: string, diskId: string, replacesGpt: boolean, partitions: RawPartition[]): Promise<GptTable>;
  repairGpt(path: string): Promise<GptTable>;
  syncPartitions(path: string): Promise<PartitionSync>;
  /** texts: dataDevice, hashDevice, algorithm, rootDigest, salt, onCorruption; numbers: block bytes of data and hash, dataBlocks, hashStartBlock. */
  createVerity(
    name: string,
    uuid: string,
    texts: string[],
    numbers: number[],
    ignoresZeroBlocks: boolean,
  ): Promise<VerityStatus>;
  verityStatus(name: string): Promise<VerityStatus>;
  removeMapped(name: string, deferred: boolean): Promise<void>;
}

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

/**
 * Disks and images of disks. All calls take absolute paths of block devices or regular files and run on the thread pool, for as long as
 * the device takes. Those that write open the device exclusively.
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
 */
export function createBlockModule(raw: RawBlockModule): BlockModule {
  const checked =
    <T>(call: (path: string) => Promise<T>) =>
    async (path: string): Promise<T> => {
      checkAbsolutePath(path, 'path');
      return call(path);
    };
  return {
    info: checked(raw.info),
    inspect: checked(raw.inspect),
    wipeSignatures: checked(raw.wipeSignatures),
    flush: checked(raw.flush),
    readGpt: checked(raw.readGpt),
    repairGpt: checked(raw.repairGpt),
    syncPartitions: checked(raw.syncPartitions),
    async erase(path, kind, offset, length) {
      checkAbsolutePath(path, 'path');
      checkName(kind, 'kind', ERASE_KINDS);
      checkInteger(offset, 'offset', 0);
      checkInteger(length, 'length', 1);
      await raw.erase(path, kind, offset, length);
    },
    async createGpt(path, request) {
      checkAbsolutePath(path, 'path');
      const partitions = toRawPartitions(request);
      const { diskId = '', replacesGpt = false } = request;
      if (diskId !== '') checkGuid(diskId, 'request.diskId');
      checkBoolean(replacesGpt, 'request.replacesGpt');
      return raw.createGpt(path, diskId, replacesGpt, partitions);
    },
    async createVerity(request) {
      const whole = checkVerity(request);
      return raw.createVerity(
        whole.name,
        whole.uuid,
        [whole.dataDevice, whole.hashDevice, whole.algorithm, whole.rootDigest, whole.salt, whole.onCorruption],
        [whole.dataBlockBytes, whole.hashBlockBytes, whole.dataBlocks, whole.hashStartBlock],
        whole.ignoresZeroBlocks,
      );
    },
    async verityStatus(name) {
      checkString(name, 'name');
      return raw.verityStatus(name);
    },
    async removeMapped(name, options = {}) {
      checkString(name, 'name');
      checkObject(options, 'options');
      const { deferred = false } = options;
      checkBoolean(deferred, 'options.deferred');
      await raw.removeMapped(name, deferred);
    },
  };
}
