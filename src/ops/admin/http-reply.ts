export interface HttpReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** Beside those that every reply has. */
  readonly headers?: Readonly<Record<string, string>>;
}

export function plainReply(status: number, text: string, headers: HttpReply['headers'] = {}): HttpReply {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${text}\n`, headers };
}
