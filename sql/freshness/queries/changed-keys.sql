-- changed-keys: in the transaction that brings an entry up to date, the keys that changed since its snapshot $1 in its sources $2, whatever log they are
-- in, as the bytes of their binary format, in hex; one row without a key if none did, and one with is_unusable if that cannot be said ($3 reads,
-- $4 epoch, $5 server).
select u.is_unusable, c.key
  from (select "{schema}".unusable($1::pg_catalog.pg_snapshot, $1::pg_catalog.pg_snapshot, $2::pg_catalog.int4[], $3::pg_catalog.int4[],
                                   $4::pg_catalog.uuid, $5::pg_catalog.text) as is_unusable) as u
  left join (select pg_catalog.encode(pg_catalog.record_send(row(i.key)), 'hex') as key
               from "{schema}".changed_integer($1::pg_catalog.pg_snapshot, $2::pg_catalog.int4[]) as i (key)
              union all
             select pg_catalog.encode(pg_catalog.record_send(row(f.key)), 'hex')
               from "{schema}".changed_float($1::pg_catalog.pg_snapshot, $2::pg_catalog.int4[]) as f (key)
              union all
             select pg_catalog.encode(pg_catalog.record_send(row(t.key)), 'hex')
               from "{schema}".changed_text($1::pg_catalog.pg_snapshot, $2::pg_catalog.int4[]) as t (key)) as c on not u.is_unusable
