/** /dev/kmsg in memory. */
import type { KmsgModule, KmsgReader, KmsgRecord } from '../../../../lib/native/contract.js';

export class FakeKmsg {
  open = 0;
  /** Told as missed by the next read. */
  missed = 0;
  private readonly records: KmsgRecord[] = [];
  private readonly wakes = new Set<() => void>();

  readonly module: Pick<KmsgModule, 'openReader'> = {
    openReader: (descriptor) => this.reader(() => descriptor.close()),
  };

  add(...messages: string[]): void {
    for (const message of messages) {
      const sequence = this.records.length;
      this.records.push({
        facility: 0,
        level: 6,
        sequence,
        timestampUs: 1_000_000 + sequence,
        message,
        isFragment: false,
      });
    }
    for (const wake of this.wakes) wake();
  }

  private reader(onClose: () => void): KmsgReader {
    let position = 0;
    let isOpen = true;
    let cancel: (() => void) | undefined;
    this.open += 1;
    return {
      read: (maxRecords) => {
        const records = this.records.slice(position, position + maxRecords);
        position += records.length;
        const missed = this.missed;
        this.missed = 0;
        return { records, missed };
      },
      wait: () =>
        new Promise((resolve, reject) => {
          const wake = () => {
            this.wakes.delete(wake);
            resolve();
          };
          this.wakes.add(wake);
          cancel = () => {
            this.wakes.delete(wake);
            reject(Object.assign(new Error('ECANCELED: operation canceled'), { code: 'ECANCELED', errno: -125 }));
          };
          if (!isOpen) cancel();
        }),
      close: () => {
        if (!isOpen) return;
        isOpen = false;
        this.open -= 1;
        cancel?.();
        onClose();
      },
    };
  }
}
