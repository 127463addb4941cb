-- drop: what setting the processor up has made.
drop procedure if exists "{schema}"."{prefix}process"(integer, integer, bigint);
drop procedure if exists "{schema}"."{prefix}process_watch"(integer);
drop table if exists "{schema}"."{prefix}processor_job" cascade;
drop function if exists "{schema}"."{prefix}processor_statement_of"(text);
drop function if exists "{schema}"."{prefix}processor_watch"();
drop function if exists "{schema}"."{prefix}processor_enter"(integer);
drop function if exists "{schema}"."{prefix}processor_claim"(integer);
drop function if exists "{schema}"."{prefix}processor_stamp"(jsonb, text);
drop function if exists "{schema}"."{prefix}processor_apply"(text[], text[]);
drop function if exists "{schema}"."{prefix}processor_compute"(integer);
drop function if exists "{schema}"."{prefix}processor_settle"(integer, text, bigint, double precision, text);
drop function if exists "{schema}"."{prefix}processor_leave"(integer);
drop table if exists "{schema}"."{prefix}processor_config", "{schema}"."{prefix}processor_key", "{schema}"."{prefix}processor_form",
  "{schema}"."{prefix}processor_statement", "{schema}"."{prefix}processor_log", "{schema}"."{prefix}processor_migration";
