import { contenderNames } from './contenders';
import { type BulkMeasurement } from './bulk';
import { geometricMean } from '../statistics';
import { summariseRatios, type Measurement } from './measure';

/** CPU per transaction through the proxy, as a multiple of the raw relay's. */
export const targetRatio = 1.3;
/** Transactions per second, as a share of the raw relay's and of PgBouncer's. */
export const targetShare = 0.9;
/** CPU per transaction with all there is to see it by, as a multiple of what it is without. */
export const targetWatched = 1.05;
/** Throughput of large results and COPY, as a share of what it is without the proxy. */
export const targetBulkShare = 0.8;

const columns = [
  'protocol',
  'clients',
  'way',
  'tps',
  'p50 ms',
  'p99 ms',
  'CPU us/tx',
  'x relay',
  'server us/tx',
  'tps/relay',
  'tps/pgb.',
];
const widths = [9, 7, 10, 8, 8, 8, 10, 8, 13, 9, 8];

export function header(): string {
  const ways = Object.entries(contenderNames).map(([name, meaning]) => `  ${name.padEnd(10)} ${meaning}`);
  return [...ways, '', line(columns), line(widths.map((width) => '-'.repeat(width)))].join('\n');
}

export function rows(measurements: readonly Measurement[]): string {
  return measurements
    .map((each) =>
      line([
        each.protocol,
        String(each.clients),
        each.contender,
        each.transactionsPerSecond.toFixed(0),
        each.p50Ms.toFixed(3),
        each.p99Ms.toFixed(3),
        each.cpuUs?.toFixed(1) ?? '-',
        each.cpuRatio?.toFixed(2) ?? '-',
        each.serverCpuUs.toFixed(1),
        figure(each.relayShare),
        figure(each.pgbouncerShare),
      ]),
    )
    .join('\n');
}

export function verdict(measurements: readonly Measurement[]): string {
  const lines = [...summariseRatios(measurements)]
    .filter(([name]) => name !== 'relay')
    .map(([name, { geometricMean, highest }]) => {
      const isMet = geometricMean <= targetRatio;
      const ratios = `${geometricMean.toFixed(2)} x in the geometric mean, at most ${highest.toFixed(2)} x`;
      return `  ${name.padEnd(10)} ${ratios}: ${isMet ? 'met' : 'missed'} in the mean`;
    });
  const shares = measurements
    .filter(({ contender }) => ['untracked', 'tracked', 'cached', 'watched'].includes(contender))
    .map(
      ({ contender, protocol, clients, relayShare, pgbouncerShare }) =>
        `  ${contender.padEnd(10)} ${protocol.padEnd(9)} ${String(clients).padStart(3)}  relay ${verdictOn(relayShare)}  PgBouncer ${verdictOn(pgbouncerShare)}`,
    );
  return [
    `CPU per transaction, as a multiple of the relay's; target ${targetRatio} x`,
    ...lines,
    '',
    watchedLine(measurements),
    '',
    `Transactions per second, as a share of the others'; target ${targetShare}`,
    ...shares,
  ].join('\n');
}

function watchedLine(measurements: readonly Measurement[]): string {
  const ratios = measurements.flatMap(({ cachedRatio }) => (cachedRatio === undefined ? [] : [cachedRatio]));
  const mean = geometricMean(ratios);
  const range = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
  return `CPU per transaction watched, as a multiple of cached: ${mean.toFixed(3)} in the geometric mean (${range}); target ${targetWatched}: ${mean <= targetWatched ? 'met' : 'missed'}`;
}

function verdictOn(share: number): string {
  return Number.isNaN(share) ? '-' : `${share.toFixed(2)} ${share >= targetShare ? 'met   ' : 'missed'}`;
}

function figure(value: number): string {
  return Number.isNaN(value) ? '-' : value.toFixed(2);
}

/** What became of 100 MB, in each direction. */
export function bulkRows(measurements: readonly BulkMeasurement[]): string {
  const title = `${'100 MB'.padEnd(21)}  ${'way'.padEnd(10)}  ${'MB/s'.padStart(6)}  ${'x direct'.padStart(8)}`;
  const lines = measurements.map(
    ({ kind, contender, megabytesPerSecond, ratio }) =>
      `${kind.padEnd(21)}  ${contender.padEnd(10)}  ${megabytesPerSecond.toFixed(0).padStart(6)}  ${ratio.toFixed(2).padStart(8)}`,
  );
  return [`${title}   (target for pcache: ${String(targetBulkShare)})`, ...lines].join('\n');
}

function line(cells: readonly string[]): string {
  return cells
    .map((cell, i) => (i < 3 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
    .join('  ');
}
