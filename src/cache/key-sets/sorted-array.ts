/** What binary search and intersection need of an array; arrays, typed arrays. */
export interface Indexed<T> {
  readonly length: number;
  readonly [index: number]: T;
}

/** Negative, zero or positive, as for Array.prototype.sort. */
export type Compare<T> = (a: T, b: T) => number;

/** The element at an index that is known to be inside the array; the compiler cannot know it, the loop does. */
export function at<T>(array: Indexed<T>, index: number): T {
  return array[index] as T;
}

/** The first index from `from` on whose element is not less than the value; the length if there is none. */
export function lowerBound<T>(
  array: Indexed<T>,
  value: T,
  compare: Compare<T>,
  from = 0,
  to = array.length,
): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(at(array, middle), value) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether a sorted array holds the value. */
export function includesSorted<T>(array: Indexed<T>, value: T, compare: Compare<T>): boolean {
  const index = lowerBound(array, value, compare);
  return index < array.length && compare(at(array, index), value) === 0;
}

/** Like lowerBound, but cheap when the answer is near `from`: steps double until they pass the value. */
export function gallop<T>(array: Indexed<T>, value: T, compare: Compare<T>, from: number): number {
  let step = 1;
  let low = from;
  while (low + step < array.length && compare(at(array, low + step), value) < 0) {
    low += step;
    step *= 2;
  }
  return lowerBound(array, value, compare, low, Math.min(low + step + 1, array.length));
}

/** How many times larger one array must be before looking its elements up beats walking through both. */
export const gallopingRatio = 16;

/** The indexes into `small` of the elements both sorted arrays hold, in order. `small` must be the shorter one. */
export function commonIndexes<T>(small: Indexed<T>, large: Indexed<T>, compare: Compare<T>): number[] {
  const common: number[] = [];
  const isGalloping = large.length > small.length * gallopingRatio;
  let j = 0;
  for (let i = 0; i < small.length && j < large.length; i++) {
    const value = at(small, i);
    if (isGalloping) j = gallop(large, value, compare, j);
    else while (j < large.length && compare(at(large, j), value) < 0) j++;
    if (j < large.length && compare(at(large, j), value) === 0) common.push(i);
  }
  return common;
}
