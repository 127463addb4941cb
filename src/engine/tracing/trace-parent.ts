import { type Context, isSpanContextValid, ROOT_CONTEXT, trace } from '@opentelemetry/api';

/** A comment that ends a text, and in it what sqlcommenter writes of the trace the statement belongs to. */
const lastComment = /\/\*([^*]*)\*\/[\s;]*$/;
const traceParent = /(?:^|,)\s*traceparent='00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})'/;
/** How far from the end of a text the comment is looked for. */
const lastCharacters = 2_000;

/** The context of the client's span, as the text says it; the root context if it says nothing. */
export function parentOf(text: string): Context {
  const [, comment = ''] = lastComment.exec(text.slice(-lastCharacters)) ?? [];
  const [, traceId = '', spanId = '', flags = '0'] = traceParent.exec(comment) ?? [];
  const spanContext = { traceId, spanId, traceFlags: parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(spanContext) ? trace.setSpanContext(ROOT_CONTEXT, spanContext) : ROOT_CONTEXT;
}
