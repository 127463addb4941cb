-- schedule-own: have command $3 run in this database, as this role, by schedule $2; in place of the job that has the name $1.
select cron.schedule($1, $2, $3) as id
