-- grants: what the role that jobs run as needs of the processor, where it does not own the tables.
grant usage on schema "{schema}" to "{control}";
grant select on "{schema}"."{prefix}processor_migration", "{schema}"."{prefix}processor_key", "{schema}"."{prefix}processor_form",
  "{schema}"."{prefix}processor_statement" to "{control}";
grant select, update on "{schema}"."{prefix}processor_config" to "{control}";
grant select, insert, update, delete on "{schema}"."{prefix}processor_job", "{schema}"."{prefix}processor_log" to "{control}";
grant execute on function "{schema}"."{prefix}processor_statement_of"(text),
  "{schema}"."{prefix}processor_end_claim"("{schema}"."{prefix}processor_job", text, text), "{schema}"."{prefix}processor_watch"(),
  "{schema}"."{prefix}processor_enter"(integer), "{schema}"."{prefix}processor_claim"(integer), "{schema}"."{prefix}processor_stamp"(jsonb, text),
  "{schema}"."{prefix}processor_apply"(text[], text[]), "{schema}"."{prefix}processor_compute"(integer),
  "{schema}"."{prefix}processor_settle"(integer, text, bigint, double precision, text), "{schema}"."{prefix}processor_leave"(integer) to "{control}";
grant execute on procedure "{schema}"."{prefix}process"(integer, integer, bigint), "{schema}"."{prefix}process_watch"(integer) to "{control}";
