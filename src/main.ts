#!/usr/bin/env node
import { argumentsOf } from './cli/program-names';
import { runCli } from './cli/run-cli';

// `pcache config show | head` closes the pipe early; that is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

void runCli(argumentsOf(process.argv)).then((code) => {
  process.exitCode = code;
});
