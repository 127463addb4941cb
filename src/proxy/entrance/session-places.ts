import { isReplication, startupDatabase, type StartupMessage } from '../../wire/startup/startup-message';

/** Which limit a session is refused by. A closed set, fit for a metric's label. */
export const sessionLimits = ['all', 'database', 'user', 'files'] as const;
export type SessionLimit = (typeof sessionLimits)[number];

/** How many sessions there may be at once. 0: any number, but for `maxSessions`. */
export interface SessionCeilings {
  readonly maxSessions: number;
  readonly maxSessionsPerDatabase: number;
  /** Of single databases, instead of `maxSessionsPerDatabase`. */
  readonly maxSessionsOfDatabases: ReadonlyMap<string, number>;
  readonly maxSessionsPerUser: number;
}

/** A session has been let in. Disposing of it makes room for another. */
export interface SessionPlace extends Disposable {
  readonly kind: 'place';
}

/** A session is one too many. */
export interface NoPlace {
  readonly kind: 'none';
  readonly limit: SessionLimit;
  /** The database or user there are too many sessions of; empty for the other limits. */
  readonly name: string;
}

/** The server cuts longer names off in a StartupMessage, so that two of them may be one. */
const maxNameBytes = 63;

/**
 * Counts sessions by the database and the user they ask for. They are counted from their StartupMessage on, which is before
 * the server has verified who they are: a limit that came later would not spare the server their connections.
 */
export class SessionPlaces {
  private readonly ofDatabase = new Map<string, number>();
  private readonly ofUser = new Map<string, number>();

  constructor(private ceilings: SessionCeilings) {}

  /** For sessions from now on; those that are there keep their places. */
  change(ceilings: SessionCeilings): void {
    this.ceilings = ceilings;
  }

  /**
   * A place for a session, or the limit that leaves none; the server's words for it name the database before the user, too.
   *
   * @param startup undefined for a packet only the server can judge: it names nobody
   * @param connectionCount how many connections there are, the asking one among them
   */
  take(startup: StartupMessage | undefined, connectionCount: number): SessionPlace | NoPlace {
    const { maxSessions, maxSessionsPerDatabase, maxSessionsOfDatabases, maxSessionsPerUser } = this.ceilings;
    if (connectionCount > maxSessions) return { kind: 'none', limit: 'all', name: '' };
    const database = startup === undefined ? undefined : databaseOf(startup);
    const user = startup?.parameters.get('user');
    const ofThisDatabase = maxSessionsOfDatabases.get(database ?? '') ?? maxSessionsPerDatabase;
    if (database !== undefined && isFull(this.ofDatabase, database, ofThisDatabase)) {
      return { kind: 'none', limit: 'database', name: database };
    }
    if (user !== undefined && isFull(this.ofUser, user, maxSessionsPerUser)) {
      return { kind: 'none', limit: 'user', name: user };
    }
    const counted = [
      { counts: this.ofDatabase, name: database },
      { counts: this.ofUser, name: user },
    ];
    for (const { counts, name } of counted) if (name !== undefined) add(counts, name, 1);
    return {
      kind: 'place',
      [Symbol.dispose]: () => {
        for (const { counts, name } of counted.splice(0)) if (name !== undefined) add(counts, name, -1);
      },
    };
  }
}

/** A connection for physical replication is not one to a database. */
function databaseOf(startup: StartupMessage): string | undefined {
  const isPhysical = isReplication(startup) && startup.parameters.get('replication') !== 'database';
  return isPhysical ? undefined : startupDatabase(startup);
}

function isFull(counts: ReadonlyMap<string, number>, name: string, ceiling: number): boolean {
  return ceiling > 0 && (counts.get(countedAs(name)) ?? 0) >= ceiling;
}

/** A name nobody has a session of any more is forgotten: clients may make up as many as they like. */
function add(counts: Map<string, number>, name: string, change: 1 | -1): void {
  const key = countedAs(name);
  const count = (counts.get(key) ?? 0) + change;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}

function countedAs(name: string): string {
  return name.length * 3 <= maxNameBytes || Buffer.byteLength(name) <= maxNameBytes
    ? name
    : Buffer.from(name).subarray(0, maxNameBytes).toString('latin1');
}
