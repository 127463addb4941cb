import type { ClientFacts, DatabaseFacts } from '../../ops/console/console-subjects';
import { lasting } from '../../ops/metrics/aggregate';
import type { OtherProcesses, ProcessReport } from '../../ops/metrics/other-processes';
import { mergeStatements } from '../../ops/statistics/merge-statements';
import { waitUntil } from '../../postgres/deadline';
import { callName, type Channel } from './channel';

/** What a worker tells of itself. */
export interface WorkerReport extends ProcessReport {
  readonly databases: readonly Pick<DatabaseFacts, 'name' | 'keySetBytes' | 'trouble'>[];
  /** None unless the report is thorough. */
  readonly clients: readonly ClientFacts[];
}

/** What its overseer asks a worker about, and has it do, for those who look at all of them. */
export const installationCalls = {
  report: callName<{ readonly isThorough: boolean }, WorkerReport>('report'),
  /** As ConsoleSubjects.kill. */
  kill: callName<number, boolean>('kill'),
};

/** A worker that is busy is shown as it was. */
const reportMs = 700;

/** Shapes that are kept of workers that have ended, of each database. */
const maxLastingShapes = 2_000;

/**
 * All workers of an overseer, as one process to whoever looks. What a worker has counted stays when it ends, as of its last report: no total falls.
 */
export class Installation implements OtherProcesses {
  readonly #workers = new Map<Channel, WorkerReport | undefined>();
  #ended: ProcessReport = { metrics: [], statements: [], keys: [] };
  /** Those that owe an answer, and are not asked again or waited for until they have given it. */
  readonly #silent = new Set<Channel>();
  #underWay: Promise<void> = Promise.resolve();

  /** Until the channel closes. */
  add(channel: Channel): void {
    this.#workers.set(channel, undefined);
    void channel.whenClosed.then(() => {
      this.#underWay = this.#underWay.then(() => this.#keepWhatLasts(channel));
    });
  }

  get reports(): readonly ProcessReport[] {
    return [...this.#reported, this.#ended];
  }

  /** As of the last thorough report. */
  get clients(): readonly ClientFacts[] {
    return this.#reported.flatMap(({ clients }) => clients);
  }

  async refresh(isThorough: boolean): Promise<void> {
    await Promise.all([...this.#workers.keys()].map((channel) => this.#ask(channel, isThorough)));
    await this.#underWay;
  }

  /** Ends a client's connection, whichever worker has it. */
  async kill(id: number): Promise<boolean> {
    const asked = [...this.#workers.keys()].map((channel) => channel.call(installationCalls.kill, id));
    const results = await Promise.allSettled(asked);
    return results.some((result) => result.status === 'fulfilled' && result.value);
  }

  /** What this process knows of its databases, with what the workers have of them. */
  databases(own: readonly DatabaseFacts[]): readonly DatabaseFacts[] {
    return own.map((facts) => {
      const others = this.#reported.flatMap(({ databases }) =>
        databases.filter(({ name }) => name === facts.name),
      );
      return {
        ...facts,
        keySetBytes: others.reduce((sum, { keySetBytes }) => sum + keySetBytes, facts.keySetBytes),
        trouble: facts.trouble ?? others.find(({ trouble }) => trouble !== undefined)?.trouble,
      };
    });
  }

  get #reported(): readonly WorkerReport[] {
    return [...this.#workers.values()].filter((report) => report !== undefined);
  }

  async #ask(channel: Channel, isThorough: boolean): Promise<void> {
    if (this.#silent.has(channel)) return;
    const asked = channel
      .call(installationCalls.report, { isThorough })
      .then((report) => {
        const before = this.#workers.get(channel);
        // It may have ended meanwhile.
        if (!this.#workers.has(channel)) return;
        this.#workers.set(channel, isThorough || before === undefined ? report : brief(report, before));
      })
      // That it has ended is seen otherwise.
      .catch(() => undefined)
      .finally(() => this.#silent.delete(channel));
    await waitUntil(asked, { timeoutMs: reportMs }, async () => {
      this.#silent.add(channel);
    });
  }

  async #keepWhatLasts(channel: Channel): Promise<void> {
    const last = this.#workers.get(channel);
    if (last !== undefined) {
      const statements = mergeStatements([...this.#ended.statements, ...last.statements]);
      this.#ended = {
        metrics: await lasting([this.#ended.metrics, last.metrics]),
        statements: statements.map(({ shapes, ...each }) => ({
          ...each,
          shapes: [...shapes].sort((a, b) => b.calls - a.calls).slice(0, maxLastingShapes),
        })),
        keys: [],
      };
    }
    // Not before: in between it would be in neither.
    this.#workers.delete(channel);
  }
}

/** A report that is not thorough, with what only the one before has. */
function brief(report: WorkerReport, before: WorkerReport): WorkerReport {
  const shapes = new Map(before.statements.map((each) => [each.database, each.shapes]));
  return {
    ...report,
    statements: report.statements.map((each) => ({ ...each, shapes: shapes.get(each.database) ?? [] })),
    keys: before.keys,
    clients: before.clients,
  };
}
