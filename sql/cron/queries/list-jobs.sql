-- list-jobs: the jobs with the names $1 that this role may see, and how the last run of each ended.
select j.jobid as id, j.jobname as name, j.schedule, j.command, j.database, j.username, j.active, d.status, d.return_message as message, d.start_time as started_at
  from cron.job as j
  left join lateral (
         select r.status, r.return_message, r.start_time from cron.job_run_details as r where r.jobid = j.jobid order by r.runid desc limit 1
       ) as d on true
 where j.jobname = any ($1)
 order by j.jobname
