import { ConfigError } from '../../../../src/errors/config-error';
import { readConfig } from '../../../../src/ops/config/read-config';

const sources = { source: 'test.yaml', environment: {}, workingDirectory: '/somewhere' };

function problems(text: string): readonly string[] {
  try {
    readConfig(text, sources);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ path, message }) => `${path} ${message}`);
  }
}

describe('YAML that holds itself is a problem like another', () => {
  test.each(['listen: { port: &a [*a] }', 'listen: &a { port: *a }', '&a\nmode: *a'])(
    'in the file: %j',
    (text) => {
      expect(problems(text)).toEqual(['(file) an alias stands within what it is an alias of']);
    },
  );

  test.each(['*a', '&a [*a]'])('in a variable: %j', (value) => {
    const environment = { PCACHE_LISTEN_PORT: value };
    expect(() => readConfig('', { ...sources, environment })).toThrow(
      /listen.port: expected a port .* \(from PCACHE_LISTEN_PORT\)/,
    );
  });
});
