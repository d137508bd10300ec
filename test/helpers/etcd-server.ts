/** A member of etcd as far as our client speaks with it: its services over gRPC and mutual TLS, with answers that tests choose. */
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type ServiceError,
  type sendUnaryData,
  status as statusCodes,
} from '@grpc/grpc-js';
import type { PemPair } from '../../lib/base/secrets-bundle.js';
import { WideReader, whole } from '../../lib/etcd/wide-reader.js';
import { etcdserverpb } from '../../lib/gen/etcd/etcd.js';
import { ClusterDefinition, MaintenanceDefinition } from '../../lib/gen/etcd/service.js';
import {
  createCertificateAuthority,
  generatePrivateKey,
  issueClientCertificate,
  issueServerCertificate,
  publicKeyDer,
  standardPrivateKeyPem,
} from '../../lib/pki/index.js';

/** What it answers, or fails with. */
export interface EtcdAnswers {
  members(request: etcdserverpb.MemberListRequest): etcdserverpb.MemberListResponse.$Properties | Partial<ServiceError>;
  status(): etcdserverpb.StatusResponse.$Properties | Partial<ServiceError> | undefined;
  /** Of a member; nothing is removed unless a test says otherwise. */
  remove?(id: bigint): etcdserverpb.MemberRemoveResponse.$Properties | Partial<ServiceError>;
}

export class EtcdServer {
  private constructor(
    private readonly server: Server,
    readonly port: number,
    /** Names and texts of the files in `pki/etcd` of a node. */
    readonly files: Record<string, string>,
  ) {}

  /** @param answers.status  undefined: it never answers */
  static async start(answers: EtcdAnswers): Promise<EtcdServer> {
    const ca = await createCertificateAuthority({ organization: 'etcd' });
    const key = await generatePrivateKey();
    const crt = await issueServerCertificate({
      ...{ ca, publicKeyDer: publicKeyDer(key), dnsNames: ['localhost'], ipAddresses: [] },
    });
    const keyPem = key.export({ type: 'pkcs8', format: 'pem' }) as string;
    const server = new Server();
    const pair = { private_key: Buffer.from(keyPem), cert_chain: Buffer.from(crt) };
    const memberList: handleUnaryCall<etcdserverpb.MemberListRequest, unknown> = ({ request }, done) =>
      reply(answers.members(request), done);
    const status: handleUnaryCall<unknown, unknown> = (_call, done) => {
      const answer = answers.status();
      if (answer !== undefined) reply(answer, done);
    };
    const memberRemove: handleUnaryCall<bigint, unknown> = ({ request }, done) =>
      reply(answers.remove?.(request) ?? { code: statusCodes.UNIMPLEMENTED }, done);
    // Its id has more bits than the generated code reads.
    const requestDeserialize = (bytes: Buffer) =>
      whole(etcdserverpb.MemberRemoveRequest.decode(new WideReader(bytes)).id);
    const MemberRemove = { ...ClusterDefinition.MemberRemove, requestDeserialize };
    server.addService({ ...ClusterDefinition, MemberRemove } as unknown as ServiceDefinition, {
      MemberList: memberList,
      MemberRemove: memberRemove,
    });
    server.addService(MaintenanceDefinition as unknown as ServiceDefinition, { Status: status });
    const credentials = ServerCredentials.createSsl(Buffer.from(ca.crt), [pair], true);
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
    });
    return new EtcdServer(server, port, await clientFiles(ca));
  }

  stop(): void {
    this.server.forceShutdown();
  }
}

/** As kubeadm lays them out: those of a client of this authority. */
async function clientFiles(ca: PemPair): Promise<Record<string, string>> {
  const client = await issueClientCertificate({ ca, roles: ['system:masters'], commonName: 'healthcheck' });
  return {
    'ca.crt': ca.crt,
    'healthcheck-client.crt': client.crt,
    'healthcheck-client.key': standardPrivateKeyPem(client.key),
  };
}

function reply(answer: object, done: sendUnaryData<unknown>): void {
  if ('code' in answer) done(answer as Partial<ServiceError>);
  else done(null, answer);
}
