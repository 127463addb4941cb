/** A part of what was to be copied is not in the target; the message names each and says why. */
export class TransferIncompleteError extends Error {
  override readonly name = 'TransferIncompleteError';
}
