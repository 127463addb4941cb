import { describeOracle } from './describe-oracle';
import { EngineSubject } from './engine-subject';

describeOracle('planned by the engine', EngineSubject.open, {
  statements: 2_000,
  seconds: 110,
  perSchema: 100,
});
