import { createScratchDirectory, scratchVariable } from './temporary-directory';

/** Before all tests: the directory everything temporary goes into. */
module.exports = function setUp(): void {
  process.env[scratchVariable] = createScratchDirectory();
};
