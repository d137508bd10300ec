/** A log ring in memory with the reader side of the addon's, for scripted overruns. */
import type { LogReader, RingModule, RingSlab } from '../../../../lib/native/contract.js';

export class FakeRing {
  readonly readers = new Set<FakeReader>();
  opened = 0;
  /** Called before each read: somebody may write just then. */
  beforeRead: (() => void) | undefined;
  private lines: string[] = [];
  /** Number of the oldest line that is still there. */
  private first = 0;

  constructor(private readonly maxLines = Number.POSITIVE_INFINITY) {}

  readonly module: Pick<RingModule, 'openReader'> = {
    openReader: ({ memory, doorbell }) => {
      this.opened += 1;
      const reader = new FakeReader(this, doorbell !== undefined, () => {
        memory.close();
        doorbell?.close();
        this.readers.delete(reader);
      });
      this.readers.add(reader);
      return reader;
    },
  };

  write(...lines: string[]): void {
    for (const line of lines) {
      this.lines.push(`${line}\n`);
      if (this.lines.length > this.maxLines) {
        this.lines.shift();
        this.first += 1;
      }
    }
    for (const reader of this.readers) reader.ring();
  }

  get oldest(): number {
    return this.first;
  }

  get end(): number {
    return this.first + this.lines.length;
  }

  line(number: number): string {
    return this.lines[number - this.first] ?? '';
  }
}

export class FakeReader implements LogReader {
  private position = 0;
  private end = Number.POSITIVE_INFINITY;
  private isOpen = true;
  private isRung = false;
  private waiting: { resolve(): void; reject(error: Error): void } | undefined;

  constructor(
    private readonly log: FakeRing,
    private readonly hasDoorbell: boolean,
    private readonly onClose: () => void,
  ) {}

  ring(): void {
    this.isRung = true;
    this.waiting?.resolve();
    this.waiting = undefined;
  }

  seekStart(): void {
    this.position = this.log.oldest;
  }

  seekTail(lines: number): void {
    this.position = Math.max(this.log.oldest, this.log.end - lines);
  }

  stopAtHead(): void {
    this.end = this.log.end;
  }

  read(buffer: Uint8Array): RingSlab {
    if (!this.isOpen) throw new Error('read after close');
    this.log.beforeRead?.();
    const missedRecords = Math.max(0, this.log.oldest - this.position);
    this.position += missedRecords;
    let bytes = 0;
    let records = 0;
    for (; this.position < Math.min(this.end, this.log.end); this.position += 1) {
      const line = Buffer.from(this.log.line(this.position));
      if (bytes + line.length > buffer.length) break;
      buffer.set(line, bytes);
      bytes += line.length;
      records += 1;
    }
    return { bytes, records, missedRecords, missedBytes: missedRecords * 10 };
  }

  wait(): Promise<void> {
    if (!this.hasDoorbell) return Promise.reject(new Error('no doorbell'));
    if (!this.isOpen) return Promise.reject(canceled());
    if (this.isRung) {
      this.isRung = false;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      this.waiting = {
        resolve: () => {
          this.isRung = false;
          resolve();
        },
        reject,
      };
    });
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.waiting?.reject(canceled());
    this.onClose();
  }
}

function canceled(): Error {
  return Object.assign(new Error('ECANCELED: operation canceled, read'), {
    code: 'ECANCELED',
    errno: -125,
    syscall: 'read',
  });
}
