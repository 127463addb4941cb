import { parseUserFile } from '../../../../src/proxy/login/parse-user-file';

const key = `${'A'.repeat(43)}=`;
const verifier = `SCRAM-SHA-256$4096:c2FsdA==$${key}:${key}`;

describe('parseUserFile', () => {
  test('reads the form of PgBouncer', () => {
    const text = [
      '; a comment',
      '',
      `"a" "${verifier}"`,
      `  "o""brien 100%"\t"${verifier}" "and" more`,
      `"ünï"  "${verifier}"\r`,
    ].join('\n');
    const { verifiers, problems } = parseUserFile(text);
    expect(problems).toEqual([]);
    expect([...verifiers.keys()]).toEqual(['a', 'o"brien 100%', 'ünï']);
    expect(new Set(verifiers.values())).toEqual(new Set([verifier]));
  });

  test.each([
    ['"a" "md51dd5a25dd9b8dd3fae7f2e2ff2aedc86"', /^"a" has an MD5 password.*set it anew.*pg_authid/],
    ['"a" "sesame"', /^"a" has a plain password.*pg_authid/],
    ['"a" ""', /^"a" has no password; leave the line out/],
    ['"a" "SCRAM-SHA-256$1:x$y:z"', /^the SCRAM verifier of "a" is damaged/],
    [`"" "${verifier}"`, /name of the role is empty/],
    ['a sesame', /^expected "role" "SCRAM verifier", both in double quotes$/],
    ['"a', /^expected/],
    ['"a" "sesame', /^expected/],
    ['"a"', /^expected/],
    [`"a" "${verifier}"x`, /^expected/],
    ['# a', /^expected/],
  ])('refuses: %s', (line, message) => {
    const { problems } = parseUserFile(`\n${line}`);
    expect(problems).toEqual([{ line: 2, message: expect.stringMatching(message) }]);
    expect(problems[0]?.message).not.toMatch(/sesame|1dd5/);
  });

  test('refuses: a role that stands there twice; finds all problems at once', () => {
    const { problems } = parseUserFile(`"a" "${verifier}"\n"b" "x"\n"a" "${verifier}"\n"b" "y"`);
    expect(problems.map(({ line }) => line)).toEqual([2, 3, 4]);
    expect(problems[1]?.message).toBe('the role "a" stands in line 1 already');
  });
});
