-- changed-keys-on-standby: as changed-keys.sql, asked of a standby for the snapshot $1 of its primary, all of which it sees. What the standby sees besides
-- is what is asked for, so that rule F4 is not: nothing is called known. The transaction numbers are the primary's on both.
select u.is_unusable,
       c.key
  from (select "{schema}".unusable($1::pg_catalog.pg_snapshot, '3:3:'::pg_catalog.pg_snapshot, $2::pg_catalog.int4[], $3::pg_catalog.int4[],
                                   $4::pg_catalog.uuid, "{schema}".server()) as is_unusable) as u
  left join (select pg_catalog.encode(pg_catalog.record_send(row(i.key)), 'hex') as key
               from "{schema}".changed_integer($1::pg_catalog.pg_snapshot, $2::pg_catalog.int4[]) as i (key)
              union all
             select pg_catalog.encode(pg_catalog.record_send(row(f.key)), 'hex')
               from "{schema}".changed_float($1::pg_catalog.pg_snapshot, $2::pg_catalog.int4[]) as f (key)
              union all
             select pg_catalog.encode(pg_catalog.record_send(row(t.key)), 'hex')
               from "{schema}".changed_text($1::pg_catalog.pg_snapshot, $2::pg_catalog.int4[]) as t (key)
              union all
             select pg_catalog.encode(pg_catalog.record_send(row(d.key)), 'hex')
               from "{schema}".changed_date($1::pg_catalog.pg_snapshot, $2::pg_catalog.int4[]) as d (key)
              union all
             select pg_catalog.encode(pg_catalog.record_send(row(m.key)), 'hex')
               from "{schema}".changed_timestamp($1::pg_catalog.pg_snapshot, $2::pg_catalog.int4[]) as m (key)
              union all
             select pg_catalog.encode(pg_catalog.record_send(row(z.key)), 'hex')
               from "{schema}".changed_timestamptz($1::pg_catalog.pg_snapshot, $2::pg_catalog.int4[]) as z (key)) as c on not u.is_unusable
