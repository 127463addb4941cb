-- limit-lock-wait: wait for a lock for no longer than $1, such as 200ms, until the end of the transaction.
select pg_catalog.set_config('lock_timeout', $1, true)
