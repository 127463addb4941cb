-- find-cron: what this role can tell of pg_cron from here. Settings of the library are shown to members of pg_read_all_settings only.
select (select s.setting from pg_catalog.pg_settings as s where s.name = 'cron.database_name') as database,
       (select e.extversion from pg_catalog.pg_extension as e where e.extname = 'pg_cron') as version,
       pg_catalog.pg_has_role('pg_read_all_settings', 'usage') as sees_settings,
       pg_catalog.current_database()::pg_catalog.text as here,
       current_user::pg_catalog.text as role
