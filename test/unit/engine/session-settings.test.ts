import type { SessionContext } from '../../../src/engine/session-context';
import { readSessionContext } from '../../../src/engine/session-settings';

interface Row {
  readonly searchPath?: readonly string[];
  readonly temporary?: readonly string[] | null;
  readonly user?: string;
  readonly encoding?: string;
  readonly mode?: string | null;
  readonly settings?: Readonly<Record<string, string>>;
  readonly preparedText?: string | null;
}

const usual = { TimeZone: 'UTC', DateStyle: 'ISO, MDY', standard_conforming_strings: 'on' };

/** The row of session-context.sql, read. */
function read(row: Row = {}, identity = 'server/database'): SessionContext {
  const { searchPath = ['pg_catalog', 'public'], temporary = null, mode = null, preparedText = null } = row;
  const columns = [
    JSON.stringify(searchPath),
    temporary === null ? null : JSON.stringify(temporary),
    row.user ?? 'alice',
    row.encoding ?? 'UTF8',
    mode,
    JSON.stringify({ ...usual, ...row.settings }),
    preparedText,
  ];
  return readSessionContext(columns, identity).context;
}

describe('readSessionContext', () => {
  test('reads what the session said', () => {
    expect(read({ temporary: ['t'], mode: 'observe' })).toMatchObject({
      searchPath: ['pg_catalog', 'public'],
      temporaryRelations: new Set(['t']),
      userName: 'alice',
      clientEncoding: 'UTF8',
      settings: { ...usual, search_path: '"pg_catalog", "public"' },
      mode: 'observe',
    });
  });

  test('the temporary schema is no part of the search path', () => {
    expect(read({ searchPath: ['pg_temp_3', 'pg_catalog', 'public'] }).id).toBe(read().id);
  });

  test('a mode that does not exist is off, and none after RESET', () => {
    expect(read({ mode: 'perhaps' }).mode).toBe('off');
    expect(read({ mode: '' }).mode).toBeUndefined();
  });

  test('the prepared statement asked for', () => {
    const row = ['[]', null, 'alice', 'UTF8', null, '{}', 'select 1'];
    expect(readSessionContext(row, 'x').preparedText).toBe('select 1');
    expect(readSessionContext(row.with(6, null), 'x').preparedText).toBeUndefined();
  });
});

describe('applies: two sessions give every statement the same meaning', () => {
  test.each([
    ['another user', { user: 'bob' }],
    ['another mode', { mode: 'observe' }],
    [
      'settings that only make plans',
      { settings: { enable_seqscan: 'off', work_mem: '65536', jit: 'off', random_page_cost: '1' } },
    ],
    [
      'settings that only set limits',
      { settings: { statement_timeout: '5', idle_session_timeout: '3', lock_timeout: '1' } },
    ],
    ['a name for the application', { settings: { application_name: 'psql' } }],
    ['floats in as many digits', { settings: { extra_float_digits: '3' } }],
  ])('with %s', (_title, row) => {
    const reference = read({ settings: { extra_float_digits: '1' } });
    const other = read({
      ...row,
      settings: { extra_float_digits: '1', ...('settings' in row ? row.settings : {}) },
    });
    expect(other.id).toBe(reference.id);
  });
});

describe('refuses: two sessions that may differ', () => {
  test.each([
    ['another search path', { searchPath: ['public', 'pg_catalog'] }],
    ['a schema more', { searchPath: ['pg_catalog', 'public', 'other'] }],
    ['a schema whose name looks like two', { searchPath: ['pg_catalog", "public'] }],
    ['another time zone', { settings: { TimeZone: 'Europe/Berlin' } }],
    ['another style of dates', { settings: { DateStyle: 'German' } }],
    ['another style of intervals', { settings: { IntervalStyle: 'iso_8601' } }],
    ['backslashes in strings', { settings: { standard_conforming_strings: 'off' } }],
    ['floats in fewer digits', { settings: { extra_float_digits: '0' } }],
    ['bytes in another form', { settings: { bytea_output: 'escape' } }],
    ['x = NULL as IS NULL', { settings: { transform_null_equals: 'on' } }],
    ['a setting that is not known', { settings: { 'my.setting': '1' } }],
    [
      'the precision of array comparisons of some extension',
      { settings: { 'pg_trgm.similarity_threshold': '0.5' } },
    ],
  ])('with %s', (_title, row) => {
    expect(read(row).id).not.toBe(read().id);
  });

  test('with another database', () => {
    expect(read({}, 'server/other').id).not.toBe(read().id);
  });
});
