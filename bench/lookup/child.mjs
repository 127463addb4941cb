// One size in a process of its own, started with --expose-gc: what a directory takes is the memory that the process has more.
import { createRequire } from 'node:module';
import { register } from 'tsx/cjs/api';

register();
const { measure } = createRequire(import.meta.url)('./measure.ts');
process.send(await measure(JSON.parse(process.argv[2])));
process.disconnect();
