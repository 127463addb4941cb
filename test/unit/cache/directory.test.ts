import { Directory } from '../../../src/cache/directory';
import type { EntryDescription } from '../../../src/cache/cache-backend';
import { loadParser } from '../../../src/query/ast/parser';
import { enumerateFragments } from '../../../src/query/fragment/enumerate';
import type { Fragment } from '../../../src/query/fragment/fragment';
import { fragmentHash, identityOf, placedConjunct } from '../../../src/query/fragment/fragment-identity';
import type { AnalysedBlock, AnalysisContext } from '../../../src/query/analysis/analyse';
import { firstBlock, smallContext } from '../../support/analyse-text';
import { smallCatalog, smallRows } from '../../support/small-catalog';

const at = { id: 'context', settings: {} };

function fragmentsOf(text: string): readonly Fragment[] {
  const block = firstBlock(text);
  return block.classes.flatMap((keyClass) => enumerateFragments(block, keyClass, at));
}

function entry(fragment: Fragment, status: EntryDescription['status'] = 'ok'): EntryDescription {
  return {
    fragment,
    status,
    keyCount: 3,
    hasNullKey: false,
    snapshot: undefined,
    createdAt: 0,
    lastUsedAt: 0,
    computeMs: 1,
    error: undefined,
  };
}

/** A directory in which all fragments of these statements are known. */
function knowing(...texts: readonly string[]): Directory {
  const directory = new Directory();
  for (const fragment of texts.flatMap(fragmentsOf)) directory.put(entry(fragment));
  return directory;
}

/** How many tables each entry has that holds for the statement's first block. */
function matches(directory: Directory, text: string, contextId = at.id): readonly number[] {
  const block = firstBlock(text);
  const found = block.classes.flatMap((keyClass) => directory.match(block, keyClass, contextId));
  return found.map(({ fragment }) => fragment.tables.length).sort();
}

function rehashed(fragment: Fragment, datatype: Fragment['datatype']): Fragment['hash'] {
  const placed = fragment.conjuncts.map(({ template, slots }) => placedConjunct(template, slots));
  const key = { name: fragment.partitionKey, datatype };
  return fragmentHash(fragment.contextId, key, identityOf(fragment.tables, placed));
}

const two =
  "select * from place a, place b where a.region_id = b.region_id and a.lat > 1 and b.kind = 'x' and a.id < b.id";

beforeAll(loadParser);

describe('applies: an entry whose conditions the block implies (rule S1)', () => {
  test.each([
    ['the statement itself', two, two, [1, 1, 2]],
    [
      'with another alias and order',
      'select * from place where lat > 1',
      'select 1 from shop s, place z where z.lat > 1 and z.id = 3',
      [1],
    ],
    [
      'with more conditions',
      'select * from place where lat > 1',
      "select * from place where lat > 1 and kind = 'x'",
      [1],
    ],
    ['each occurrence of a self-join', 'select * from place where lat > 1', two, [1]],
    ['a smaller part of a larger one', "select * from place where kind = 'x'", two, [1]],
    [
      'with the partition-join table',
      'select * from place p, region r where p.region_id = r.region_id and p.lat > 1',
      'select * from place p join region r using (region_id) where p.lat > 1',
      [2],
    ],
    [
      'a symmetric condition, the other way round',
      'select * from place a, place b where a.region_id = b.region_id and a.kind = b.kind and a.lat > 1',
      'select * from place a, place b where a.region_id = b.region_id and b.kind = a.kind and b.lat > 1',
      [1, 2],
    ],
  ])('%s', (_title, known, text, expected) => {
    expect(matches(knowing(known), text)).toEqual(expected);
  });
});

describe('refuses: an entry that says more than the block', () => {
  const known = 'select * from place where lat > 1';
  test.each([
    ['without the condition', known, "select * from place where kind = 'x'"],
    ['with another constant', known, 'select * from place where lat > 2'],
    ['with the condition under OR', known, "select * from place where lat > 1 or kind = 'x'"],
    ['with the condition on the nulled side', known, 'select * from region r left join place p on p.lat > 1'],
    ['on another table', known, 'select * from shop s, region p where s.id > 1'],
    ['ONLY', known, 'select * from only place where lat > 1'],
    ['the other way round', 'select * from only place where lat > 1', 'select * from place where lat > 1'],
    [
      'with one condition of two',
      "select * from place where lat > 1 and kind = 'x'",
      'select * from place where lat > 1',
    ],
    [
      'with its conditions on two occurrences',
      "select * from place where lat > 1 and kind = 'x'",
      "select * from place a, place b where a.region_id = b.region_id and a.lat > 1 and b.kind = 'x'",
    ],
    [
      'whose tables are not equated here',
      'select * from place a, place b where a.region_id = b.region_id and a.lat > b.lat',
      'select * from place a, place b where a.lat > b.lat',
    ],
    [
      'with a table that is not there',
      'select * from place p, region r where p.region_id = r.region_id and p.lat > 1',
      'select * from place p where p.lat > 1',
    ],
    [
      'with one occurrence for its two tables',
      'select * from place a, place b where a.region_id = b.region_id and a.lat > 1 and b.lat > 1 and a.id < b.id',
      'select * from place a where a.lat > 1 and a.id < a.id',
    ],
    [
      'an asymmetric condition, the other way round',
      'select * from place a, place b where a.region_id = b.region_id and a.lat > 1 and a.id < b.id',
      'select * from place a, place b where a.region_id = b.region_id and a.lat > 1 and b.id < a.id',
    ],
  ])('%s', (_title, learned, text) => {
    const directory = new Directory();
    // The most telling fragment only: its parts may well hold.
    const [fragment] = fragmentsOf(learned);
    if (fragment === undefined) throw new Error('no fragment');
    directory.put(entry(fragment));
    expect(matches(directory, text)).toEqual([]);
  });

  test('of another context', () => {
    expect(matches(knowing(two), two, 'other')).toEqual([]);
  });

  test.each<[string, (fragment: Fragment) => Partial<Fragment>]>([
    ['the hash of another one', () => ({ hash: '0'.repeat(64) as Fragment['hash'] })],
    ['another datatype', (fragment) => ({ datatype: 'text', hash: rehashed(fragment, 'text') })],
    [
      'an order of conditions that is not the canonical one',
      ({ conjuncts }) => ({ conjuncts: [...conjuncts].reverse() }),
    ],
  ])('that is not what its hash says: %s', (_title, forge) => {
    const [fragment] = fragmentsOf("select * from place where lat > 1 and kind = 'x'");
    if (fragment === undefined) throw new Error('no fragment');
    const directory = new Directory();
    directory.put(entry({ ...fragment, ...forge(fragment) }));
    expect(matches(directory, "select * from place where lat > 1 and kind = 'x'")).toEqual([]);
  });

  test.each(['timeout', 'too_large', 'failed'] as const)('that ended with %s', (status) => {
    const directory = new Directory();
    for (const fragment of fragmentsOf(two)) directory.put(entry(fragment, status));
    expect(directory.size).toBe(3);
    expect(matches(directory, two)).toEqual([]);
  });
});

describe('the directory keeps up with changes', () => {
  const text = 'select * from place where lat > 1';

  test('put, replaced by a failure, put again, deleted', () => {
    const directory = new Directory();
    const [known] = fragmentsOf(text);
    if (known === undefined) throw new Error('no fragment');
    directory.apply({ kind: 'put', entry: entry(known) });
    expect(matches(directory, text)).toEqual([1]);
    directory.apply({ kind: 'put', entry: entry(known, 'failed') });
    expect([directory.size, matches(directory, text)]).toEqual([1, []]);
    directory.apply({ kind: 'put', entry: entry(known) });
    expect(directory.get('region', known.hash)?.status).toBe('ok');
    directory.apply({ kind: 'deleted', partitionKey: 'region', hash: known.hash });
    expect([directory.size, matches(directory, text)]).toEqual([0, []]);
    expect(directory.get('region', known.hash)).toBeUndefined();
  });

  test('what matches is the fragment that was put, whole', () => {
    const fragments = fragmentsOf(two);
    const directory = knowing(two);
    const block = firstBlock(two);
    const found = block.classes.flatMap((keyClass) => directory.match(block, keyClass, at.id));
    const byHash = (a: Fragment, b: Fragment): number => (a.hash < b.hash ? -1 : 1);
    expect(found.map(({ fragment }) => fragment).sort(byHash)).toEqual([...fragments].sort(byHash));
  });

  test('a view that means something else now is another table', () => {
    const withDefinition = (definition: string): AnalysisContext => {
      const relations = smallRows.relations.map((each) =>
        each.name === 'place' ? { ...each, definition } : each,
      );
      return smallContext({ catalog: smallCatalog({ relations }) });
    };
    const text = 'select * from place where lat > 1';
    const [before, after] = [withDefinition('select 1'), withDefinition('select 2')].map((context) =>
      firstBlock(text, context),
    );
    if (before === undefined || after === undefined) throw new Error('no block');
    const directory = new Directory();
    for (const keyClass of before.classes)
      for (const fragment of enumerateFragments(before, keyClass, at)) directory.put(entry(fragment));
    const found = (block: AnalysedBlock): number =>
      block.classes.flatMap((keyClass) => directory.match(block, keyClass, at.id)).length;
    expect([found(before), found(after)]).toEqual([1, 0]);
  });

  test('a partition key is dropped with all its entries, and no other', () => {
    const directory = knowing(text, `select * from town where mayor = 'x'`);
    expect(directory.size).toBe(2);
    directory.apply({ kind: 'dropped', partitionKey: 'town' });
    expect([...directory.entries()].map((each) => each.partitionKey)).toEqual(['region']);
  });

  test('many entries under one condition are all found', () => {
    const texts = Array.from(
      { length: 30 },
      (_, i) => `select * from place where lat > 1 and population > ${i}`,
    );
    const directory = knowing(...texts);
    for (const each of texts) expect(matches(directory, each)).toEqual([1]);
  });
});
