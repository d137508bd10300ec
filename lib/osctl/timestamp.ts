/** google.protobuf.Timestamp, as it comes from a node. */
export interface Timestamp {
  seconds?: number | null;
  nanos?: number | null;
}

/** The last second of the year 9999. */
const MAX_SECONDS = 253_402_300_799;

/** ISO 8601 with nanoseconds; '' for none, and for what cannot be one. */
export function timestampText(stamp: Timestamp | null | undefined): string {
  const seconds = Number(stamp?.seconds ?? 0);
  if (!Number.isFinite(seconds) || seconds <= 0 || seconds > MAX_SECONDS) return '';
  const nanos = String(Math.abs(stamp?.nanos ?? 0) % 1e9).padStart(9, '0');
  return `${new Date(seconds * 1000).toISOString().slice(0, -'.000Z'.length)}.${nanos}Z`;
}

/** Milliseconds since 1970. */
export function timestampMs(stamp: Timestamp | null | undefined): number {
  return Number(stamp?.seconds ?? 0) * 1000 + (stamp?.nanos ?? 0) / 1e6;
}
