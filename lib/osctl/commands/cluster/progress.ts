/** A place that text is written to; the terminal, or something that stands for it. */
export interface TextSink {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  /** Of a terminal: characters in a line. */
  readonly columns?: number | undefined;
}

/**
 * Tells what is being done: on a terminal in one line that is overwritten, elsewhere a line each.
 * @returns `update` tells, `end` takes the live line away
 */
export function progressLine(sink: TextSink): { update: (text: string) => void; end: () => void } {
  const isLive = sink.isTTY === true;
  return {
    update: (text) => {
      // A line that is broken by the terminal would not be overwritten.
      const { columns = Number.POSITIVE_INFINITY } = sink;
      const fitting = text.length < columns ? text : `${text.slice(0, Math.max(0, columns - 2))}…`;
      sink.write(isLive ? `\r\u001b[K${fitting}` : `${text}\n`);
    },
    end: () => {
      if (isLive) sink.write('\r\u001b[K');
    },
  };
}
