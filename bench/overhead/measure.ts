import { geometricMean, median } from '../statistics';
import { contenderNames, type Contender, type ContenderName } from './contenders';
import { type Pgbench, type PgbenchRun, type Protocol } from './pgbench';
import { processCpuUs, processTreeCpuUs } from './process-cpu';

/** One run of pgbench and the CPU time it took, in microseconds per transaction. */
interface Sample extends PgbenchRun {
  /** Of the process in between; undefined if there is none. */
  readonly cpuUs: number | undefined;
  readonly serverCpuUs: number;
}

/** Medians over the rounds. */
export interface Measurement extends Sample {
  readonly protocol: Protocol;
  readonly clients: number;
  readonly contender: ContenderName;
  /** `cpuUs` as a multiple of the relay's in the same round; undefined for direct. */
  readonly cpuRatio: number | undefined;
  /** `cpuUs` of the proxy that is watched as a multiple of the one's that is not, in the same round; of the first alone. */
  readonly cachedRatio: number | undefined;
  /** Transactions per second as a share of the relay's, and of PgBouncer's, in the same round; NaN without PgBouncer. */
  readonly relayShare: number;
  readonly pgbouncerShare: number;
}

export interface MeasureOptions {
  readonly protocol: Protocol;
  readonly clients: number;
  readonly seconds: number;
  readonly rounds: number;
}

/** Measures all contenders in turns, starting with another one in each round: what else the machine does hits all alike. */
export async function measure(
  pgbench: Pgbench,
  contenders: readonly Contender[],
  serverPid: number,
  options: MeasureOptions,
): Promise<readonly Measurement[]> {
  const samples = new Map<ContenderName, Sample[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < options.rounds; round++) {
    const order = contenders.map((_, i) => contenders[(i + round) % contenders.length]);
    for (const contender of order) {
      if (contender !== undefined)
        samples.get(contender.name)?.push(await sample(pgbench, contender, serverPid, options));
    }
  }
  const relay = samples.get('relay') ?? [];
  return contenders.map(({ name }) => ({
    protocol: options.protocol,
    clients: options.clients,
    contender: name,
    ...summarise(samples.get(name) ?? [], relay),
    cachedRatio: name === 'watched' ? cpuRatioOf(samples.get(name), samples.get('cached')) : undefined,
    relayShare: share(samples.get(name), relay),
    pgbouncerShare: share(samples.get(name), samples.get('pgbouncer')),
  }));
}

async function sample(
  pgbench: Pgbench,
  { port, pid }: Contender,
  serverPid: number,
  options: MeasureOptions,
): Promise<Sample> {
  const cpu = (): number => (pid === undefined ? 0 : processCpuUs(pid));
  const [before, serverBefore] = [cpu(), processTreeCpuUs(serverPid)];
  const run = await pgbench.selectOnly(port, options);
  const perTransaction = (us: number): number => us / run.transactions;
  return {
    ...run,
    cpuUs: pid === undefined ? undefined : perTransaction(cpu() - before),
    serverCpuUs: perTransaction(processTreeCpuUs(serverPid) - serverBefore),
  };
}

function summarise(
  samples: readonly Sample[],
  relay: readonly Sample[],
): Omit<Measurement, 'protocol' | 'clients' | 'contender' | 'cachedRatio' | 'relayShare' | 'pgbouncerShare'> {
  const medianOf = (field: 'transactions' | 'transactionsPerSecond' | 'p50Ms' | 'p99Ms' | 'serverCpuUs') =>
    median(samples.map((each) => each[field]));
  const hasProcess = samples[0]?.cpuUs !== undefined;
  return {
    transactions: medianOf('transactions'),
    transactionsPerSecond: medianOf('transactionsPerSecond'),
    p50Ms: medianOf('p50Ms'),
    p99Ms: medianOf('p99Ms'),
    serverCpuUs: medianOf('serverCpuUs'),
    cpuUs: hasProcess ? median(samples.map(({ cpuUs }) => cpuUs ?? NaN)) : undefined,
    cpuRatio: hasProcess ? cpuRatioOf(samples, relay) : undefined,
  };
}

/** The median over the rounds. */
function cpuRatioOf(own: readonly Sample[] = [], others: readonly Sample[] = []): number {
  return median(own.map(({ cpuUs }, round) => (cpuUs ?? NaN) / (others[round]?.cpuUs ?? NaN)));
}

/** NaN if there is nothing to compare with. */
function share(own: readonly Sample[] = [], others: readonly Sample[] = []): number {
  return median(
    own.map(({ transactionsPerSecond }, round) => {
      return transactionsPerSecond / (others[round]?.transactionsPerSecond ?? NaN);
    }),
  );
}

export interface RatioSummary {
  readonly geometricMean: number;
  readonly highest: number;
}

/** The ratios of each contender over all protocols and numbers of clients. */
export function summariseRatios(
  measurements: readonly Measurement[],
): ReadonlyMap<ContenderName, RatioSummary> {
  const present = new Set(measurements.map(({ contender }) => contender));
  const names = (Object.keys(contenderNames) as ContenderName[]).filter(
    (name) => name !== 'direct' && present.has(name),
  );
  return new Map(
    names.map((name) => {
      const own = measurements.filter(({ contender }) => contender === name);
      const ratios = own.map(({ cpuRatio }) => cpuRatio ?? NaN);
      return [name, { geometricMean: geometricMean(ratios), highest: Math.max(...ratios) }];
    }),
  );
}
