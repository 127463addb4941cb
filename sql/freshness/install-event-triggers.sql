-- install-event-triggers: have DDL on tracked tables noticed in its own transaction. Only a superuser may run it.
create event trigger "{schema}_ddl" on ddl_command_end execute function "{schema}".on_ddl();
alter event trigger "{schema}_ddl" enable always;

create event trigger "{schema}_drop" on sql_drop execute function "{schema}".on_drop();
alter event trigger "{schema}_drop" enable always;
