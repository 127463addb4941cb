import { trace, type Tracer } from '@opentelemetry/api';
import type { EngineEvents } from '../engine-events';

/** The same events, with a span for each step that is taken within another span. */
export function tracedEvents(events: EngineEvents, tracer: Tracer): EngineEvents {
  return {
    planned: (elapsedMs) => events.planned(elapsedMs),
    step: (step, take) => {
      if (trace.getActiveSpan() === undefined) return events.step(step, take);
      return tracer.startActiveSpan(`pcache.${step}`, (span) => {
        let isOver = true;
        try {
          const result = events.step(step, take);
          if (result instanceof Promise) {
            isOver = false;
            const end = (): void => span.end();
            result.then(end, end);
          }
          return result;
        } finally {
          if (isOver) span.end();
        }
      });
    },
  };
}
