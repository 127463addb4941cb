-- apply-fragment-settings: make the settings $1 have the values $2 until the end of the transaction.
-- Returns what each became, in the order given. Everything is qualified: search_path may be one of them.
select s.name, pg_catalog.set_config(s.name, s.value, true) as value
  from rows from (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[]))
       with ordinality as s (name, value, position)
 order by s.position
