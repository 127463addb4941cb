-- grants: what the role of the proxies needs of change tracking, and nothing more; clients have theirs by themselves.
grant usage on schema "{schema}" to "{control}";
grant select on "{schema}".tracking_migration, "{schema}".tracking, "{schema}".source, "{schema}".wanted_trigger, "{schema}".trigger_problem to "{control}";
grant select on "{schema}".change_integer, "{schema}".change_float, "{schema}".change_text, "{schema}".change_date,
                "{schema}".change_timestamp, "{schema}".change_timestamptz, "{schema}".change_whole, "{schema}".change_catalog, "{schema}".catalog_version to "{control}";
grant execute on function "{schema}".notice(), "{schema}".compact(xid8, integer) to "{control}";
