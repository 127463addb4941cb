import { join } from 'node:path';
import { ControlQueryError } from '../errors/control-query-error';
import { StartError } from '../errors/start-error';
import type { ControlPool } from './control-pool';
import { type SqlFile, sqlFileIn } from './sql-files';

/** `sql/cron/queries`, seen from src/postgres and from dist alike. */
export const cronQueriesDirectory = join(__dirname, '..', '..', 'sql', 'cron', 'queries');

/** A job of pg_cron; its name is ours alone. */
export interface CronJob {
  readonly name: string;
  /** As crontab has it; from version 1.5 on also `5 seconds`. */
  readonly schedule: string;
  readonly command: string;
  /** Where it runs, and as whom. */
  readonly database: string;
  readonly user: string;
}

export interface CronJobStatus extends CronJob {
  readonly isActive: boolean;
  /** How its last run ended, or that it has not; undefined if there was none. */
  readonly lastRun:
    { readonly status: string; readonly message: string | undefined; readonly startedAt: Date } | undefined;
}

type FoundRow = {
  readonly database: string | null;
  readonly version: string | null;
  readonly sees_settings: boolean;
  readonly here: string;
  readonly role: string;
};

type JobRow = Readonly<
  Record<'name' | 'schedule' | 'command' | 'database' | 'username' | 'status' | 'message', string>
> & {
  readonly active: boolean;
  readonly started_at: Date | null;
};

const query = (name: string): SqlFile => sqlFileIn(cronQueriesDirectory, name);

/** What to set on the server. */
const howToLoad =
  "set shared_preload_libraries = 'pg_cron' (beside what stands there) and cron.database_name in postgresql.conf, and restart the server";

/** The database in which the server keeps jobs, as far as this role can tell. Rejects with StartError if there is none, or nobody tells. */
export async function findCronDatabase(pool: ControlPool): Promise<string> {
  const found = await find(pool);
  if (found.database !== null) return found.database;
  if (found.sees_settings) throw new StartError(`${pool.target}: pg_cron is not loaded; ${howToLoad}`);
  if (found.version !== null) return found.here;
  throw new StartError(
    `${pool.target}: pg_cron is not in this database, and the role ${found.role} may not read where it is; ` +
      `say --cron-database, or --user of a superuser. Where there is none at all, ${howToLoad}`,
  );
}

async function find(pool: ControlPool): Promise<FoundRow> {
  const [found] = await pool.query<FoundRow>(query('find-cron'));
  if (found === undefined) throw new Error('find-cron.sql returned no row');
  return found;
}

/** The jobs of a server: what was asked for by one role is seen and ended by that role, and by superusers. */
export class CronJobs {
  private constructor(
    /** To the database the jobs are kept in; lent, not owned. */
    private readonly pool: ControlPool,
    private readonly found: FoundRow,
    /** Of the extension, such as [1, 4]. */
    readonly version: readonly [number, number],
  ) {}

  /** Rejects with StartError if the extension is not there. */
  static async open(pool: ControlPool): Promise<CronJobs> {
    const found = await find(pool);
    if (found.version === null)
      throw new StartError(
        `${pool.target}: the extension pg_cron is not in this database; as a superuser, run there: create extension pg_cron. ` +
          `If that is refused, ${howToLoad}`,
      );
    const [major = 0, minor = 0] = found.version.split(/\D/).map(Number);
    return new CronJobs(pool, found, [major, minor]);
  }

  /** Whether it takes schedules like `5 seconds`. */
  get hasSeconds(): boolean {
    const [major, minor] = this.version;
    return major > 1 || (major === 1 && minor >= 5);
  }

  /** In place of the jobs that have the same names. Rejects with StartError where that takes another role. */
  async schedule(jobs: readonly CronJob[]): Promise<void> {
    await this.unschedule(jobs.map(({ name }) => name));
    for (const { name, schedule, command, database, user } of jobs) {
      const isOwn = database === this.found.here && user === this.found.role;
      await this.attempt(isOwn, user, () =>
        isOwn
          ? this.pool.query(query('schedule-own'), [name, schedule, command])
          : this.pool.query(query('schedule-elsewhere'), [name, schedule, command, database, user]),
      );
    }
  }

  async unschedule(names: readonly string[]): Promise<void> {
    await this.attempt(true, this.found.role, () => this.pool.query(query('unschedule'), [names]));
  }

  async list(names: readonly string[]): Promise<readonly CronJobStatus[]> {
    const rows = await this.attempt(true, this.found.role, () =>
      this.pool.query<JobRow>(query('list-jobs'), [names]),
    );
    return rows.map(
      ({ name, schedule, command, database, username, active, status, message, started_at }) => ({
        ...{ name, schedule, command, database, user: username, isActive: active },
        lastRun: started_at === null ? undefined : { status, message, startedAt: started_at },
      }),
    );
  }

  /** A refusal, with what is to be granted. */
  private async attempt<T>(isOwn: boolean, user: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ControlQueryError) || error.sqlState !== '42501') throw error;
      const { role, here } = this.found;
      const grants = [
        `grant usage on schema cron to ${role}`,
        ...(isOwn
          ? []
          : [
              `grant execute on function cron.schedule_in_database(text, text, text, text, text, boolean) to ${role}`,
            ]),
      ];
      const other = isOwn || user === role ? '' : `. For a job of ${user} it takes --user of a superuser`;
      throw new StartError(
        `${this.pool.target}: ${error.serverMessage}; as a superuser, run in ${here}: ${grants.join('; ')}${other}`,
        { cause: error },
      );
    }
  }
}
