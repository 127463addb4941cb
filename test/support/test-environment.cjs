const { TestEnvironment } = require('jest-environment-node');

const errorNames = ['Error', 'TypeError', 'RangeError', 'SyntaxError', 'AggregateError'];

/**
 * Node's environment for tests, except that an error of node itself (a missing file, a refused connection) is an
 * `instanceof Error` there as well. jest runs tests in a context with an `Error` of its own, and without this a check
 * that holds in production fails in its test: https://github.com/jestjs/jest/issues/2549
 */
class OneRealmEnvironment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    for (const name of errorNames) {
      const inner = this.global[name];
      const outer = globalThis[name];
      const ordinary = Function.prototype[Symbol.hasInstance];
      Object.defineProperty(inner, Symbol.hasInstance, {
        // Classes derived from it inherit this function, and must not: hence the look at `this`.
        value(candidate) {
          return ordinary.call(this, candidate) || (this === inner && candidate instanceof outer);
        },
        configurable: true,
      });
    }
  }
}

module.exports = OneRealmEnvironment;
