import { describeOracle } from './describe-oracle';
import { EngineSubject } from './engine-subject';

describeOracle('planned by the engine', EngineSubject.open, { statements: 8_000, perSchema: 100 });
