/**
 * One configuration for every test. Tests are type-checked by `npm run typecheck`, not while they run, so that a
 * single file starts in well under a second.
 *
 * @type {import('jest').Config}
 */
module.exports = {
  testEnvironment: '<rootDir>/test/support/test-environment.cjs',
  roots: ['<rootDir>/test'],
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
  },
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json', 'node'],
  // A server that starts while both cores are busy takes seconds; a hang is still found.
  testTimeout: 60_000,
  // Kept in the working tree (ignored by git): the system's temporary directory stays as it was found.
  cacheDirectory: '<rootDir>/.cache/jest',
};
