/** Exit codes of osctl: a contract with scripts. Never renumber one. */
export const ExitCode = {
  /** It was done. */
  ok: 0,
  /** It was not done, for a reason that no other code names. */
  failed: 1,
  /** Unknown command or flag, or a value that makes no sense. */
  usage: 2,
  /** No answer from the node: refused, timed out, name not found. */
  unreachable: 3,
  /** The node answered and refused: its certificate or ours is not accepted, or the role does not suffice. */
  denied: 4,
  /** Everything that was there was printed, but the node said that something had been lost before. */
  dataLost: 5,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
