-- next-fragments: what of source $1 is to be run next, $2 at most.
select q.partition_key, q.priority, q.attempts, q.created_at, q.query
  from "{schema}"."{prefix}query_fragment_queue" as q
 where q.source = $1 and q.token is null
 order by q.priority desc, q.created_at, q.ordinal
 limit $2
