-- catalog-changed: whether DDL may have changed what was read in the snapshot $1 of stamp-catalog.sql, on the server $2, at the version $3.
select "{schema}".catalog_changed($1::pg_catalog.pg_snapshot, $3::pg_catalog.int8) or "{schema}".server() <> $2 as has_changed
