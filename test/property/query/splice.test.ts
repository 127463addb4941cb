import * as fc from 'fast-check';
import { blocksOf } from '../../../src/query/analysis/blocks';
import { loadParser, parseStatements } from '../../../src/query/ast/parser';
import { scanTokens } from '../../../src/query/ast/scan';
import { restrictionSite, withoutComments } from '../../../src/query/rewrite/restriction-site';
import { splice, type BlockRestriction } from '../../../src/query/rewrite/splice';
import { isExactlyRestricted, type ExpectedRestriction } from '../../../src/query/rewrite/verify';
import { restrictableOf } from '../../../src/query/analysis/restrictable';
import { bareQuery } from '../../../src/query/rewrite/bare-query';

const texts = [
  `select a from t`,
  `select a, b as order from t where x = 1 or y = 'where' -- or z\n order by a limit 3`,
  `select a from t where x in (select b from u where c = 'é' and d) and e group by a having count(*) > 1`,
  `with c as (select a from t where x) select * from c join u using (a) where y or z`,
  `(select a from t where not x union all select b from u) except select c from v where d is null`,
  `select distinct on (a) a from t, u where t.x = u.x /* end */ for update`,
  `select 'ä', (select max(b) from u where b < a) from t where a between 1 and 2 and b like '%)'`,
  `explain (analyze, costs off) select a from t where x`,
  `create table "as" (a) as (select a from t where x or y) with no data`.replace('no ', ''),
  `copy (select a, b from t where x) to stdout (format csv, header)`,
  `declare "for" scroll cursor with hold for select a from t join u on t.x = u.x`,
  `with c as (select a from t where x) insert into v (a) select a from c where y on conflict (a) do nothing returning (select 1)`,
  `insert into v as w select a from t where x or y returning *`,
  `select a into temp table v.w from t where x union select b from u`,
  `begin; select a from t where 'ä' = x; update t set a = 1 where x; explain select b from u; commit`,
  `select from t where x; table t`,
];
const restriction = `("t"."k" OPERATOR(pg_catalog.=) ANY ('{1,2}'::pg_catalog.int4[]) OR "t"."k" IS NULL)`;

interface Restricted {
  readonly blocks: readonly BlockRestriction[];
  readonly text: string;
  accepts(rewritten: string): boolean;
}

function restrict(text: string, chosen: (block: number) => boolean): Restricted {
  const trees = parseStatements(text);
  const all = withoutComments(scanTokens(text));
  const blocks: BlockRestriction[] = [];
  const expected: ExpectedRestriction[] = [];
  const statements = trees.flatMap((tree) => restrictableOf(tree) ?? []);
  const found = statements.flatMap((statement) =>
    blocksOf(statement).map((block) => ({ block, tokens: bareQuery(all, statement).tokens })),
  );
  for (const [i, { block, tokens }] of found.entries()) {
    const site = restrictionSite(tokens, block.location);
    if (site === undefined || !chosen(i)) continue;
    blocks.push({ site, restrictions: [restriction] });
    expected.push({ select: block.select, restrictions: [restriction] });
  }
  return {
    blocks,
    text: splice(text, blocks),
    accepts: (rewritten) => {
      try {
        return isExactlyRestricted(trees, rewritten, expected);
      } catch (error) {
        // What the parser does not take is not sent either.
        if (error instanceof Error && error.name === 'SqlError') return false;
        throw error;
      }
    },
  };
}

/** What a text says; white space, comments, case of words, and semicolons that end nothing aside. */
function tokensOf(text: string): readonly string[] | undefined {
  try {
    const tokens = withoutComments(scanTokens(text)).filter(({ text: token }, i, all) => {
      const endsNothing =
        all.slice(0, i).every((other) => other.text === ';') ||
        all[i - 1]?.text === ';' ||
        all.slice(i).every((other) => other.text === ';');
      return token !== ';' || !endsNothing;
    });
    return tokens.flatMap(({ text: token }) => {
      // `>01` is `> 1`.
      const word = /^\w+$/.test(token) ? token.toLowerCase().replace(/^0+(?=\d)/, '') : token;
      return word === 'isnull' ? ['is', 'null'] : [word];
    });
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

beforeAll(loadParser);

const someBlocks = fc
  .array(fc.boolean(), { minLength: 4, maxLength: 4 })
  .filter((chosen) => chosen.includes(true));

test.each(texts)('a restriction in any choice of blocks is accepted: %s', (text) => {
  fc.assert(
    fc.property(someBlocks, (chosen) => {
      const { text: rewritten, blocks, accepts } = restrict(text, (block) => chosen[block] ?? false);
      fc.pre(blocks.length > 0);
      expect(accepts(rewritten)).toBe(true);
      expect(accepts(text)).toBe(false);
    }),
  );
});

test.each(texts)('refuses: one character less, more, or another: %s', (text) => {
  const { text: rewritten, accepts } = restrict(text, () => true);
  const meant = tokensOf(rewritten);
  fc.assert(
    fc.property(
      fc.nat(rewritten.length - 1),
      fc.constantFrom('', 'insert', 'replace'),
      fc.constantFrom('(', ')', "'", '"', ' ', '-', '0', 'x', ',', ';', '\\', '$', '.', 'é'),
      (at, change, character) => {
        const kept = change === 'insert' ? rewritten.slice(at) : rewritten.slice(at + 1);
        const corrupted = rewritten.slice(0, at) + (change === '' ? '' : character) + kept;
        fc.pre(JSON.stringify(tokensOf(corrupted)) !== JSON.stringify(meant));
        expect(accepts(corrupted)).toBe(false);
      },
    ),
    { numRuns: 300 },
  );
});

test.each(texts)('refuses: a restriction put anywhere else: %s', (text) => {
  const { blocks, accepts, text: rewritten } = restrict(text, () => true);
  const ends = withoutComments(scanTokens(text)).map(({ end }) => end);
  // A parenthesis alone may move: `x and (y) and r` is `(x and y) and r` to the parser.
  const withoutParentheses = (sql: string): string =>
    JSON.stringify(tokensOf(sql)?.filter((token) => token !== '(' && token !== ')'));
  const meant = withoutParentheses(rewritten);
  fc.assert(
    fc.property(
      fc.nat(blocks.length - 1),
      fc.constantFrom(...ends),
      fc.constantFrom('open', 'close'),
      (block, at, side) => {
        const moved = splice(
          text,
          blocks.map(({ site, restrictions }, i) => {
            if (i !== block || (side === 'open' && site.open === undefined)) return { site, restrictions };
            return { site: side === 'open' ? { ...site, open: at } : { ...site, close: at }, restrictions };
          }),
        );
        fc.pre(withoutParentheses(moved) !== meant);
        expect(accepts(moved)).toBe(false);
      },
    ),
    { numRuns: 100 },
  );
});

test('refuses: a parenthesis that leaves half of an OR outside', () => {
  const text = `select a from t where x or y`;
  const { blocks, accepts } = restrict(text, () => true);
  const open = text.indexOf(' y');
  expect(
    accepts(
      splice(
        text,
        blocks.map(({ site, restrictions }) => ({ site: { ...site, open }, restrictions })),
      ),
    ),
  ).toBe(false);
});

test('refuses: another restriction, one twice, one in the wrong block, a text with a second statement', () => {
  const text = `select a from t where x in (select b from u where c) and d`;
  const { blocks, accepts, text: rewritten } = restrict(text, () => true);
  expect(
    accepts(
      splice(
        text,
        blocks.map(({ site }) => ({ site, restrictions: ['(k = 3)'] })),
      ),
    ),
  ).toBe(false);
  expect(
    accepts(
      splice(
        text,
        blocks.map(({ site }) => ({ site, restrictions: [restriction, restriction] })),
      ),
    ),
  ).toBe(false);
  expect(accepts(splice(text, blocks.slice(1)))).toBe(false);
  expect(accepts(`${rewritten}; select 1`)).toBe(false);
  expect(accepts(rewritten.replace(' OR ', ' AND '))).toBe(false);
  expect(accepts(rewritten.replace('{1,2}', '{1}'))).toBe(false);
});
