/** A hidden exchange that drops temporary tables of ours; the detail of its Execute and its Sync. */
export class KeyTableDrop {
  /** Whether the tables are gone, if nothing goes wrong up to the Sync. */
  isDone = false;

  /** @param drop the statement */
  constructor(readonly drop: string) {}
}
