-- stale-entries: of entries, each with its snapshot, sources and reads ($1 to $3, lists as text), all of the epoch $4 and the server $5, those
-- that are of no use any more, or have not seen more than $6 changed keys; by their places in the lists, from 1 on.
select s.place::pg_catalog.int4 as place, s.is_unusable
  from (select e.place,
               "{schema}".unusable(e.seen, e.seen, e.sources, e.reads, $4::pg_catalog.uuid, $5::pg_catalog.text) as is_unusable,
               (select pg_catalog.count(*)
                  from (select from "{schema}".changed_integer(e.seen, e.sources)
                        union all select from "{schema}".changed_float(e.seen, e.sources)
                        union all select from "{schema}".changed_text(e.seen, e.sources)
                        union all select from "{schema}".changed_date(e.seen, e.sources)
                        union all select from "{schema}".changed_timestamp(e.seen, e.sources)
                        union all select from "{schema}".changed_timestamptz(e.seen, e.sources)
                        limit $6::pg_catalog.int8 + 1) as c) as changed
          from (select k.place, k.seen::pg_catalog.pg_snapshot as seen, k.sources::pg_catalog.int4[] as sources, k.reads::pg_catalog.int4[] as reads
                  from rows from (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[]), pg_catalog.unnest($3::pg_catalog.text[]))
                       with ordinality as k (seen, sources, reads, place)) as e) as s
 where s.is_unusable or s.changed > $6::pg_catalog.int8
