/** Something the proxy asks the server in a client's session, while its answer comes. */
export interface HiddenQuestion {
  /** Whether it was put into the client's own batch, so that no ReadyForQuery ends it but after an error. */
  readonly isInBatch: boolean;
  /** Called when nothing more of the answer will come. */
  readonly done: () => void;
  /** A message of the answer; it is whole. */
  receive(code: number, frame: Buffer, start: number, end: number): void;
}
