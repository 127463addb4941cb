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

describe('the proxy as its own server, whatever its address is called', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1'],
    ['127.0.0.1', 'localhost'],
    ['localhost', '127.0.0.1'],
    ['LOCALHOST', 'localhost'],
    ['localhost', '"::1"'],
    ['0.0.0.0', '127.0.0.1'],
    ['0.0.0.0', '127.1.2.3'],
    ['0.0.0.0', 'localhost'],
    ['"::"', '127.0.0.1'],
    ['"::"', '"::1"'],
    ['"::"', '0.0.0.0'],
  ])('refuses: listen on %s, server at %s', (listen, upstream) => {
    const text = `listen: { host: ${listen}, port: 5432 }\nupstream: { host: ${upstream}, port: 5432 }`;
    expect(problems(text)).toEqual([
      expect.stringMatching(/^upstream is the proxy's own address .*for ever/),
    ]);
  });

  test.each([
    ['127.0.0.2', '127.0.0.1'],
    ['127.0.0.1', '"::1"'],
    ['0.0.0.0', '"::1"'],
    ['0.0.0.0', 'db'],
    ['0.0.0.0', '10.0.0.1'],
    ['10.0.0.1', 'localhost'],
  ])('applies: listen on %s, server at %s', (listen, upstream) => {
    const text = `listen: { host: ${listen}, port: 5432 }\nupstream: { host: ${upstream}, port: 5432 }`;
    expect(problems(text)).toEqual([]);
    const other = `listen: { host: ${listen}, port: 6432 }\nupstream: { host: ${listen}, port: 5432 }`;
    expect(problems(other)).toEqual([]);
  });

  test('its socket, with a slash more', () => {
    const text = 'listen: { socket_directory: /run/a/, port: 5432 }\nupstream: { host: /run/a }';
    expect(problems(text)).toEqual([expect.stringMatching(/^upstream is the proxy's own socket in/)]);
  });

  test.each([
    ['0.0.0.0', '127.0.0.1'],
    ['127.0.0.1', '0.0.0.0'],
  ])('refuses: listen and admin on one port, of %s and %s', (listen, admin) => {
    const text = `listen: { host: ${listen}, port: 7000 }\nadmin: { host: ${admin}, port: 7000 }`;
    expect(problems(text)).toEqual([expect.stringMatching(/^admin cannot listen on .* as well/)]);
  });
});
