import { ProxyTracerProvider, trace, type Tracer } from '@opentelemetry/api';

const name = 'pcache';

/** The tracer of an SDK that is loaded; undefined if there is none, and then nothing is to be done for traces. */
export function findTracer(): Tracer | undefined {
  const provider = trace.getTracerProvider();
  const isThere =
    !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer(name) !== undefined;
  return isThere ? provider.getTracer(name) : undefined;
}
