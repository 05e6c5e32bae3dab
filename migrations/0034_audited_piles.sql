-- An audit is of a pile that stays as it was drawn: how far it reaches, how many of it the bound speaks of, and how many
-- of it were judged before, in earlier audits of the same.
alter table audit add column upto int;                          -- the cut that was asked for: so many, the likeliest
alter table audit add column n_pile int not null default 0;     -- what draws were from, with strangers corrected before
alter table audit add column n_shown int not null default 0;    -- of object_ids, judged before and not of the sample
update audit set n_pile = cardinality(object_ids) + n_before;

-- Who asks the managers to decide, in place of who drew it.
alter table audit add column asked_by int references account on delete set null;
update audit set asked_by = account_id where state = 'asked';

-- How many of an acceptance came unseen: the rest of it was judged, and seen by who accepted it.
update act
   set detail = jsonb_set(detail, '{audit,n_unseen}', to_jsonb(told.n))
  from (select act.id,
               (select count(*)
                  from history
                  left join label on label.project_id = history.project_id and label.object_id = history.object_id
                                 and label.act_id = act.id
                  left join lateral (select max(old_provenance) as provenance
                                       from history as later
                                      where later.project_id = history.project_id
                                        and later.object_id = history.object_id
                                        and later.old_act_id = act.id) as after on true
                 where history.project_id = act.project_id
                   and history.act_id = act.id
                   and coalesce(label.provenance, after.provenance, 'audit') = 'audit') as n
          from act
         where provenance = 'audit'
           and kind = 'label'
           and detail ? 'audit') as told
 where told.id = act.id;
-- Their days are folded anew.
delete from activity_day where project_id in (select project_id from act where provenance = 'audit');
update project set activity_until = null where id in (select project_id from act where provenance = 'audit');
