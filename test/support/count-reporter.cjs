const { writeFileSync } = require('node:fs');

/** Writes the three numbers of the last line of `npm test`, and the files that failed, to the file PCACHE_TEST_COUNTS names. */
module.exports = class CountReporter {
  onRunComplete(_contexts, results) {
    const counts = {
      passed: results.numPassedTests,
      // A file that cannot even be loaded has no tests to fail; it counts as one.
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.numPendingTests + results.numTodoTests,
      files: results.testResults.flatMap((file) => {
        const failed = file.numFailingTests + (file.testExecError === undefined ? 0 : 1);
        if (failed === 0) return [];
        const { testFilePath: path, numPassingTests: passed, numPendingTests, numTodoTests } = file;
        return [{ path, passed, failed, skipped: numPendingTests + numTodoTests }];
      }),
    };
    writeFileSync(process.env.PCACHE_TEST_COUNTS, JSON.stringify(counts));
  }
};
