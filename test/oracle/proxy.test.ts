import { describeOracle } from './describe-oracle';
import { ProxySubject } from './proxy-subject';

describeOracle('through the proxy', ProxySubject.open, { statements: 1_500, seconds: 110, perSchema: 75 });
