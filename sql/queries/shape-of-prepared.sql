-- shape-of-prepared: parameter types of the prepared statement $1 of this connection, as a list of OIDs.
select (select coalesce(pg_catalog.string_agg(t::pg_catalog.oid::pg_catalog.text, ' ' order by position), '')
          from pg_catalog.unnest(p.parameter_types) with ordinality as u (t, position)) as parameter_oids
  from pg_catalog.pg_prepared_statements as p
 where p.name operator(pg_catalog.=) $1
