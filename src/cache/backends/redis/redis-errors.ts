/** A server that answers with one of these can be used later. */
const temporary = /^(LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|READONLY|OOM|ERR max number of clients)/;

/** Whether a server has answered, and will give the same answer until somebody changes its configuration, or ours. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError' && !temporary.test(error.message);
}

/** A cluster whose nodes all fail has an error that says no more; what the last of them said is in it. */
export function causeOfConnectError(error: Error): Error {
  const last = 'lastNodeError' in error ? error.lastNodeError : undefined;
  return last instanceof Error ? last : error;
}
