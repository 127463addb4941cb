import { readOptions } from '../../../demo/demo-options';

test.each([
  [[], { once: false, json: false, runs: 7 }],
  [['--once'], { once: true, json: false, runs: 7 }],
  [['--json', '--runs', '3'], { once: true, json: true, runs: 3 }],
  [['--help'], undefined],
])('reads %j', (args, options) => {
  expect(readOptions(args)).toEqual(options);
});

test.each([[['--runs', '0']], [['--runs', 'many']], [['--onec']], [['places']]])('refuses: %j', (args) => {
  expect(() => readOptions(args)).toThrow(TypeError);
});
