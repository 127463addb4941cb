-- 0003-in-place: what computes key sets in this very database, where they are kept.
-- breaking: no
--
-- Both run with the rights of whoever calls them.

-- The one row of a query of what is to be kept, with nothing of what the query calls being able to write. Being read only ends with the
-- block, since a block that handles errors is a subtransaction (CommitSubTransaction in src/backend/access/transam/xact.c); the cursor takes
-- one statement only. It sets no search_path: that and all other settings are the query's.
create function "{prefix}evaluate"(
  query text,
  inout keys anyelement,
  out key_count bigint,
  out has_null_key boolean,
  out bytes bigint,
  out row_count bigint,
  out weight bigint,
  out outside bigint
)
language plpgsql volatile
as $$
declare
  -- Looked up when a connection first calls the function, on the query's search_path.
  row_of_query pg_catalog.refcursor;
begin
  begin
    perform pg_catalog.set_config('transaction_read_only', 'on', true);
    open row_of_query no scroll for execute query;
    fetch row_of_query into keys, key_count, has_null_key, bytes, row_count, weight, outside;
    close row_of_query;
  exception when sqlstate 'PC000' then
    -- Nothing raises that: an error ends the transaction.
    raise;
  end;
end
$$;

-- Integers from 0 on as bits: bit k, counted from the left, is set if k is among them. As many bytes as the highest needs. By way of the
-- hexadecimal form, as there is no cast from bytea; bytes without a key are blanks between those with one.
create function "{prefix}bits_of"(keys bigint[]) returns bit varying
language sql immutable strict parallel safe
as $$
  select coalesce(('x' || string_agg(repeat('00', b.gap) || lpad(to_hex(b.bits), 2, '0'), '' order by b.place))::bit varying, '')
    from (
           select s.place,
                  s.bits,
                  s.place - coalesce(lag(s.place) over (order by s.place), -1) - 1 as gap
             from (
                    select (k.key >> 3)::integer as place, bit_or(128 >> (k.key & 7)::integer) as bits
                      from unnest(keys) as k (key)
                     group by (k.key >> 3)::integer
                  ) as s
         ) as b
$$
set search_path = pg_catalog, pg_temp;

revoke all on function "{prefix}evaluate"(text, anyelement) from public;
revoke all on function "{prefix}bits_of"(bigint[]) from public;
