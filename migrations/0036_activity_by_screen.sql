-- Acts on the pages of likely mistakes, of piles, of probes and of audits were told as of the board: their days are folded
-- anew.
delete from activity_day
 where project_id in (select project_id from act where batch_id is null and detail ?| '{of,audit,of_audit,of_probe,pile}');
update project
   set activity_until = null
 where id in (select project_id from act where batch_id is null and detail ?| '{of,audit,of_audit,of_probe,pile}');
