-- run: evict from backend $1 now; null if another one is at it.
select "{schema}"."{prefix}evict"($1, false) as evicted
