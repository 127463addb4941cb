import { contenderNames } from './contenders';
import { summariseRatios, type Measurement } from './measure';

/** CPU per transaction through the proxy, as a multiple of the raw relay's. */
export const targetRatio = 1.3;

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
];
const widths = [9, 7, 10, 8, 8, 8, 10, 8, 13];

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
  return [`CPU per transaction, as a multiple of the relay's; target ${targetRatio} x`, ...lines].join('\n');
}

function line(cells: readonly string[]): string {
  return cells
    .map((cell, i) => (i < 3 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
    .join('  ');
}
