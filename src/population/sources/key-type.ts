import type { ControlClient, QueryOptions } from '../../postgres/control-client';
import { sqlFile } from '../../postgres/sql-files';

const baseType = sqlFile('base-type');

/** Types below are written down in PostgreSQL's sources (its FirstGenbkiObjectId), and none is a domain. */
const firstUnwrittenOid = 10_000;

/** What a type is made of, if it is a domain; else itself. */
export async function baseTypeOf(
  client: ControlClient,
  typeOid: number,
  limits: QueryOptions,
): Promise<number> {
  if (typeOid < firstUnwrittenOid) return typeOid;
  const [row] = await client.query<{ oid: number }>(baseType, [typeOid], limits);
  return row === undefined ? typeOid : row.oid;
}
