-- Who judges has seen it himself: by whom a sampled object was seen, in place of whether anybody saw it.
alter table audit_object add column seen_by int[] not null default '{}';
update audit_object
   set seen_by = array[account_id]
 where seen
   and account_id is not null;
alter table audit_object drop column seen;
alter table probe_object add column seen_by int[] not null default '{}';
update probe_object
   set seen_by = array[account_id]
 where at is not null
   and account_id is not null;

-- Sent back, a label was found wrong by its reviewer, until somebody else validates it.
alter table review_object add column is_sent_back boolean not null default false;

-- What is sent back is said of a taxon: another person's word for the same one does not answer for the author.
alter table returned add column taxon_id int references taxon;
update returned
   set taxon_id = label.taxon_id
  from label
 where label.project_id = returned.project_id
   and label.object_id = returned.object_id
   and label.version = returned.version;
delete from returned where taxon_id is null;  -- settled: that label is no more
alter table returned alter column taxon_id set not null;
