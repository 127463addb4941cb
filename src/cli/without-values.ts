/** Errors of class 42 (syntax, access, unknown names) name objects, not values; of others only the code is told. */
export function withoutValues(error: string | undefined): string | undefined {
  const sqlState = /SQLSTATE (\w{5})/.exec(error ?? '')?.[1];
  return sqlState === undefined || sqlState.startsWith('42')
    ? error
    : `SQLSTATE ${sqlState}; log.sql shows the message`;
}
