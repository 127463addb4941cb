-- 0002-guard: what lets a statement with constant keys go on, or not.
-- breaking: no

-- 0 if so; otherwise an error of the proxy's own, which no client sees: the statement is then run as the client wrote it. Its place is an
-- OFFSET, which is evaluated before the first row whatever the planner makes of the rest, even that there can be no rows.
create function "{schema}".zero_if(holds boolean) returns bigint
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if holds then
    return 0;
  end if;
  raise exception using
    errcode = 'PC001',
    message = 'the keys this statement was restricted to may not be all any more',
    hint = 'pcache runs the statement again as it was written; this is no fault.';
end
$$;
