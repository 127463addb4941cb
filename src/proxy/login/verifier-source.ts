/** Where the proxy gets the SCRAM verifiers from by which it verifies clients itself. */
export interface VerifierSource {
  /**
   * What `rolpassword` of pg_authid says for a role; undefined if there is no such role, or it has no password, or not any
   * more. Rejects within a bounded time if that cannot be known, and when the signal says so.
   */
  find(user: string, signal: AbortSignal): Promise<string | undefined>;
}
