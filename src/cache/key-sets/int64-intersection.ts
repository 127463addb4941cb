import { highWord, lowWord, wordsOf } from './int64-words';
import { gallopingRatio } from './sorted-array';

/** The integers both sorted arrays hold; `small` must be the shorter one. */
export function intersectInt64s(small: BigInt64Array, large: BigInt64Array): BigInt64Array {
  const [smallWords, largeWords] = [wordsOf(small), wordsOf(large)];
  const common = new BigInt64Array(small.length);
  const words = wordsOf(common);
  const isGalloping = large.length > small.length * gallopingRatio;
  let size = 0;
  let j = 0;
  for (let i = 0; i < small.length && j < large.length; i++) {
    const high = word(smallWords, 2 * i + highWord);
    const low = word(smallWords, 2 * i + lowWord) >>> 0;
    if (isGalloping) j = gallopWords(largeWords, large.length, high, low, j);
    else while (j < large.length && isLess(largeWords, j, high, low)) j++;
    if (j === large.length) break;
    if (word(largeWords, 2 * j + highWord) === high && word(largeWords, 2 * j + lowWord) >>> 0 === low) {
      words[2 * size + highWord] = high;
      words[2 * size + lowWord] = low;
      size++;
    }
  }
  return common.slice(0, size);
}

/** Whether the integer at an index is less than the one with these halves; `low` is unsigned. */
function isLess(words: Int32Array, index: number, high: number, low: number): boolean {
  const itsHigh = word(words, 2 * index + highWord);
  return itsHigh < high || (itsHigh === high && word(words, 2 * index + lowWord) >>> 0 < low);
}

/** `gallop` of sorted-array, on halves. */
function gallopWords(words: Int32Array, size: number, high: number, low: number, from: number): number {
  let step = 1;
  let start = from;
  while (start + step < size && isLess(words, start + step, high, low)) {
    start += step;
    step *= 2;
  }
  let end = Math.min(start + step + 1, size);
  while (start < end) {
    const middle = (start + end) >>> 1;
    if (isLess(words, middle, high, low)) start = middle + 1;
    else end = middle;
  }
  return start;
}

/** `at` of sorted-array for this type of array alone: shared with others, the engine makes it ten times slower. */
function word(words: Int32Array, index: number): number {
  return words[index] as number;
}
