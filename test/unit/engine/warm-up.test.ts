import { Directory } from '../../../src/cache/directory';
import { warmUp, warmUpTexts } from '../../../src/engine/warm-up';
import { loadParser } from '../../../src/query/ast/parser';
import { firstBlock, smallContext } from '../../support/analyse-text';
import { smallCatalog } from '../../support/small-catalog';

beforeAll(loadParser);

describe('warmUpTexts', () => {
  const { partitionKeys, catalog } = smallContext();
  const texts = warmUpTexts(partitionKeys, catalog);

  test('are statements that can be restricted, ever larger ones', () => {
    for (const { text, size } of texts.filter((each) => each.size <= 16)) {
      const { tables, classes, conjuncts } = firstBlock(text);
      expect(tables.length).toBeGreaterThanOrEqual(size);
      expect(classes[0]?.members.length).toBeGreaterThanOrEqual(size);
      expect(conjuncts).not.toHaveLength(0);
    }
    expect(texts.map(({ size }) => size)).toEqual(texts.map(({ size }) => size).sort((a, b) => a - b));
    expect(texts.at(-1)?.size).toBe(64);
  });

  test('refuses: a catalog that has no table of a key', () => {
    expect(warmUpTexts(partitionKeys, smallCatalog({ relations: [] }))).toEqual([]);
  });
});

describe('warmUp', () => {
  test('ends with the last statement', async () => {
    const { partitionKeys, catalog } = smallContext();
    await warmUp(partitionKeys, new Directory(), () => catalog);
  });

  test('ends when the catalog is another one', async () => {
    const { partitionKeys, catalog } = smallContext();
    let asked = 0;
    await warmUp(partitionKeys, new Directory(), () => (++asked < 4 ? catalog : undefined));
    expect(asked).toBe(4);
  });
});
