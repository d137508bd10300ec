import { open } from 'node:fs/promises';
import { errorCode, errorMessage } from '../../base/errors.js';
import { KIB } from '../../base/units.js';
import type { KubeAccess, TextSource } from './access.js';
import { KubeError } from './errors.js';

/** What a connection is made with. The same object as long as nothing has changed. */
export interface Credentials {
  /** PEM. */
  ca: string;
  certificate?: string;
  key?: string;
  token?: string;
}

interface KeptFile {
  /** Of the file as it was read: another one has another. */
  identity: string;
  text: string;
}

const MAX_BYTES = 64 * KIB;

/**
 * The texts that a kubeconfig leads to. Files are looked at each time and read when they are others: the kubelet replaces its certificate
 * before it expires.
 */
export class CredentialSource {
  private readonly files = new Map<string, KeptFile>();
  private readonly reading = new Set<Promise<unknown>>();
  private newest: Credentials | undefined;

  constructor(private readonly access: Pick<KubeAccess, 'ca' | 'client'>) {}

  /** @throws KubeError ERR_KUBE_ACCESS  a file cannot be read */
  async read(): Promise<Credentials> {
    const reading = this.readAll();
    this.reading.add(reading);
    try {
      return await reading;
    } finally {
      this.reading.delete(reading);
    }
  }

  /** Resolves when none of its files is open. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.reading);
  }

  private async readAll(): Promise<Credentials> {
    const { ca, client } = this.access;
    const sources = client.kind === 'token' ? [ca, client.token] : [ca, client.certificate, client.key];
    // Certificate and key may be in one file: it is looked at once, so that they belong together.
    const paths = new Set(sources.flatMap((source) => (source.kind === 'file' ? [source.path] : [])));
    const isNew = (await Promise.all([...paths].map((path) => this.refresh(path)))).includes(true);
    if (this.newest && !isNew) return this.newest;
    this.newest =
      client.kind === 'token'
        ? { ca: this.textOf(ca), token: this.textOf(client.token).trim() }
        : { ca: this.textOf(ca), certificate: this.textOf(client.certificate), key: this.textOf(client.key) };
    return this.newest;
  }

  private textOf(source: TextSource): string {
    return source.kind === 'text' ? source.text : (this.files.get(source.path)?.text ?? '');
  }

  /** @returns whether it is another file than before */
  private async refresh(path: string): Promise<boolean> {
    try {
      const file = await open(path, 'r');
      try {
        const status = await file.stat({ bigint: true });
        const identity = `${status.dev}:${status.ino}:${status.mtimeNs}:${status.size}`;
        if (this.files.get(path)?.identity === identity) return false;
        if (!status.isFile() || status.size > MAX_BYTES) throw new Error(`is no file of at most ${MAX_BYTES} bytes`);
        this.files.set(path, { identity, text: await file.readFile('utf8') });
        return true;
      } finally {
        await file.close();
      }
    } catch (error) {
      const why = errorCode(error) ?? errorMessage(error);
      const message = `${path}, which the kubeconfig names, cannot be read (${why}): see whether the kubelet has made it`;
      throw new KubeError('ERR_KUBE_ACCESS', message, { cause: error });
    }
  }
}
