import { messageOf } from '../errors/message-of';
import { StartError } from '../errors/start-error';
import type { PcacheConfig } from '../ops/config/pcache-config';
import type { Log } from '../ops/log/log';
import type { ServerTls } from '../postgres/server-tls';
import { VerifierQuery } from '../postgres/verifier-query';
import { UserFile } from '../proxy/login/user-file';
import type { VerifierSource } from '../proxy/login/verifier-source';
import type { Owned } from './owned';
import { controlPool } from './control-pool';

/** Questions at the same time; more wait. One takes less than a millisecond. */
const connections = 2;

/** What clients are verified by. */
export interface ComposedVerifiers extends VerifierSource {
  /** Reads the user file again. */
  reload(): void;
}

/** The user file and the query of the configuration, asked in this order; undefined if the server alone verifies. */
export function composeVerifiers(
  config: PcacheConfig,
  serverTls: ServerTls | undefined,
  log: Log,
  owned: Owned,
): ComposedVerifiers | undefined {
  const { auth } = config;
  if (auth.mode === 'relay') return undefined;
  const file = auth.userFile === undefined ? undefined : openUserFile(auth.userFile, log);
  const query = file === undefined || auth.query !== undefined ? openQuery() : undefined;
  return {
    find: async (user, signal) => file?.find(user) ?? (await query?.find(user, signal)),
    reload: () => file?.reload(),
  };

  function openQuery(): VerifierQuery | undefined {
    const [first] = config.databases.values();
    const database = auth.database === undefined ? first : config.databases.get(auth.database);
    if (database === undefined) return undefined;
    const { connectTimeoutMs } = config.limits;
    const pool = controlPool(database, serverTls, { maxConnections: connections, connectTimeoutMs }, log);
    return new VerifierQuery(owned.add(pool), auth.query);
  }
}

function openUserFile(path: string, log: Log): UserFile {
  try {
    return new UserFile(path, log.child({ part: 'proxy' }));
  } catch (error) {
    throw new StartError(`auth.user_file: it cannot be used: ${messageOf(error)}`, { cause: error });
  }
}
