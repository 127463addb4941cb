// A tracing SDK, loaded before the program: writes the spans it was given to SPANS_FILE, one a line.
import { appendFileSync, writeFileSync } from 'node:fs';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';

const file = process.env.SPANS_FILE;
if (file !== undefined) {
  writeFileSync(file, '');
  const exporter = {
    export: (spans, done) => {
      for (const span of spans) {
        const { name, attributes } = span;
        const parent = span.parentSpanContext?.spanId;
        const line = JSON.stringify({ name, ...span.spanContext(), parent, attributes });
        appendFileSync(file, `${line}\n`);
      }
      done({ code: 0 });
    },
    shutdown: async () => undefined,
  };
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  );
}
