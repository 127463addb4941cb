/** A thin space, which no line is broken at. */
const thin = '\u202f';

/** 12 345 */
export function showCount(count: number): string {
  return String(Math.round(count)).replaceAll(/\B(?=(\d{3})+$)/g, thin);
}

/** Three digits that say something: 0.42, 4.2, 42, 420. */
function digits(value: number): string {
  const most = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(most).replace(/\.0+$/, '');
}

const units = [
  { name: 'd', ms: 86_400_000, below: 'h', belowMs: 3_600_000 },
  { name: 'h', ms: 3_600_000, below: 'min', belowMs: 60_000 },
  { name: 'min', ms: 60_000, below: 's', belowMs: 1_000 },
] as const;

/** 0.42 ms, 4.2 s, 3 min 20 s, 5 h 12 min, 2 d 3 h */
export function showDuration(ms: number): string {
  const sign = ms < 0 ? '\u2212' : '';
  const size = Math.abs(ms);
  for (const { name, ms: unitMs, below, belowMs } of units) {
    if (size < unitMs) continue;
    const whole = Math.floor(size / unitMs);
    const rest = Math.floor((size % unitMs) / belowMs);
    return `${sign}${showCount(whole)}${thin}${name}${rest === 0 ? '' : ` ${rest}${thin}${below}`}`;
  }
  if (size === 0) return `0${thin}s`;
  if (size >= 999.5) return `${sign}${digits(size / 1_000)}${thin}s`;
  return size < 0.005 ? `<${thin}0.01${thin}ms` : `${sign}${digits(size)}${thin}ms`;
}

/** 42 %; next to nothing and nearly all are told from nothing and all. */
export function showShare(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 0.01) return `<${thin}0.01${thin}%`;
  if (percent < 100 && percent >= 99.95) return `99.9${thin}%`;
  return `${digits(percent)}${thin}%`;
}

export function showBytes(bytes: number): string {
  for (const [unit, size] of [
    ['GB', 1e9],
    ['MB', 1e6],
    ['kB', 1e3],
  ] as const)
    if (bytes >= size) return `${digits(bytes / size)}${thin}${unit}`;
  return `${showCount(bytes)}${thin}B`;
}

/** 31× faster, or slower: by how many times one is more than the other. */
export function showFactor(before: number, after: number): string {
  const factor = before / after;
  if (!Number.isFinite(factor) || factor === 0) return '';
  if (factor >= 0.95 && factor < 1.05) return 'as fast';
  return factor > 1 ? `${factorDigits(factor)}× faster` : `${factorDigits(1 / factor)}× slower`;
}

function factorDigits(factor: number): string {
  return factor >= 10 ? showCount(factor) : factor.toFixed(1);
}

/** Hours and minutes, in the time zone of the server; of another day, with the date. */
export function showTime(atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  const two = (n: number): string => String(n).padStart(2, '0');
  const time = `${two(at.getHours())}:${two(at.getMinutes())}`;
  const isToday = at.toDateString() === new Date(nowMs).toDateString();
  return isToday ? time : `${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}
