import { rmSync } from 'node:fs';
import { scratchVariable } from './temporary-directory';

/** After all tests: whatever a test forgot is removed with the directory. */
module.exports = function tearDown(): void {
  const scratch = process.env[scratchVariable];
  if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
};
