-- scram-verifier: by what the role $1 proves its password; null when it has none, or has had it too long.
-- The answer PgBouncer asks of its own query. A name is cut as the server cuts those that are too long. Whether the role may
-- log in, the server says itself.
select r.rolname as name,
       case when r.rolvaliduntil operator(pg_catalog.<) pg_catalog.now() then null else r.rolpassword end as verifier
  from pg_catalog.pg_authid as r
 where r.rolname operator(pg_catalog.=) $1::pg_catalog.text::pg_catalog.name
