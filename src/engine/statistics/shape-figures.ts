/** What became of the executions of statements; each counts in one of them. */
export interface OutcomeCounts {
  /** Sent restricted, with all that could be known. */
  readonly hits: number;
  /** Sent restricted, though something it could be restricted by is not known yet. */
  readonly partials: number;
  /** Sent as they came, for want of something that is known. */
  readonly misses: number;
  /** Sent as they came, for another reason. */
  readonly bypasses: number;
  /** The restricted form was given up unseen, and the original run. */
  readonly fallbacks: number;
}

/**
 * How statements that differ in constants only have fared since the process began. Times are the server's, from sending to
 * CommandComplete, of executions whose time is their own (see Completion.isTimed) and that ended well; what the proxy itself takes
 * is not in them.
 */
export interface ShapeFigures extends OutcomeCounts {
  /** As in src/query/ast/fingerprint.ts. */
  readonly fingerprint: string;
  /** With `$n` for constants; see src/query/ast/redact.ts. */
  readonly text: string;
  readonly calls: number;
  /** Of the calls, those whose client saw an error. */
  readonly failures: number;
  /** Executions timed as they came, their median of late, in milliseconds (undefined: none) and their sum. */
  readonly directRuns: number;
  readonly directMs: number | undefined;
  readonly totalDirectMs: number;
  /** The same of executions timed in a restricted form. */
  readonly restrictedRuns: number;
  readonly restrictedMs: number | undefined;
  readonly totalRestrictedMs: number;
  /**
   * By how much less time the restricted executions took than the shape does as it comes, in milliseconds. What an execution would
   * have taken is not known: the median of the shape's last 15 unrestricted runs before it stands for that. Below zero if they took
   * more. An execution of a shape that was never seen unrestricted adds nothing, however much it may have saved; one that fell
   * back takes away what was spent on the form that was given up.
   */
  readonly savedMs: number;
  /** Why an execution was not restricted, the last time that one was not; undefined if all were. */
  readonly lastReason: string | undefined;
}

/** Of all shapes, those included that are not kept any more. */
export interface StatementTotals extends OutcomeCounts {
  readonly failures: number;
  /** What executions took less than expected, and what others took more, in milliseconds: `savedMs` of the shapes is the difference. */
  readonly savedMs: number;
  readonly lostMs: number;
}
