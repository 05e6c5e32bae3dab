-- When each value was written: which of several edits of one column stands on which, in whatever order they are undone.
alter table field_change add column written_at timestamptz;
update field_change set written_at = act.at from act where act.id = field_change.act_id;
alter table field_change alter column written_at set default clock_timestamp();
alter table field_change alter column written_at set not null;

-- One's own acts over all projects are listed by when they were done: those of a merged project have new numbers.
create index act_of_account_at on act (account_id, at, id);
drop index act_of_account;
