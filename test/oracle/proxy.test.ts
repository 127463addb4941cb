import { describeOracle } from './describe-oracle';
import { ProxySubject } from './proxy-subject';

describeOracle('through the proxy', ProxySubject.open, { statements: 2_000, perSchema: 100 });
