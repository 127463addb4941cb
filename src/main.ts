#!/usr/bin/env node
import { ExitCode } from './cli/exit-code';
import { argumentsOf } from './cli/program-names';
import { runCli } from './cli/run-cli';

// `pcache config show | head` closes the pipe early; that is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  process.stderr.write(`pcache: standard output cannot be written: ${error.message}\n`);
  process.exit(ExitCode.Failed);
});

void runCli(argumentsOf(process.argv)).then((code) => {
  process.exitCode = code;
});
