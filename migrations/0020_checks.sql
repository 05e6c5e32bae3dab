-- Looking again at labels: likely mistakes that were settled, probes for stragglers, what is sent back to its author,
-- taxa that are signed off, audits of anything, and what people did, by whole days.

-- A suspect on which somebody has decided: it does not come back while it carries the label that it had then.
create table settled (
    project_id int not null references project on delete cascade,
    object_id bigint not null,
    kind text not null check (kind in ('mistakes', 'refine')),
    taxon_id int not null references taxon on delete cascade,
    act_id bigint not null references act on delete cascade,  -- in force while it is not undone
    primary key (project_id, object_id, kind, act_id)
);
insert into settled (project_id, object_id, kind, taxon_id, act_id)
select distinct batch.project_id, label.object_id, batch.source, label.taxon_id, batch_page.act_id
  from batch
  join batch_page on batch_page.batch_id = batch.id and batch_page.done_at is not null
  join act on act.id = batch_page.act_id,
       unnest(batch_page.object_ids, batch_page.marks) as tile (object_id, mark)
  join label on label.object_id = tile.object_id and label.status = 'V'
 where batch.source in ('mistakes', 'refine')
   and label.project_id = batch.project_id
   and tile.mark = 1;

-- Validated labels that somebody looked at again, and doubts that somebody settled: few of all that was ever labelled.
create index history_judged_again on history (project_id, act_id, object_id)
    where old_status = 'V' and new_status = 'V';
create index history_doubt on history (project_id, old_account_id, act_id)
    where old_status = 'D';

-- Random draws from what nobody was shown for a taxon: how many of these are still out there.
create table probe (
    id bigint generated always as identity primary key,
    project_id int not null references project on delete cascade,
    client_id uuid not null,
    account_id int references account on delete set null,
    taxon_id int not null references taxon on delete cascade,
    n_likely int not null,                               -- of what was unlabelled and not shown: those whose neighbours
    n_other int not null,                                -- say that they belong to it, and all others
    made_at timestamptz not null default now(),
    unique (project_id, client_id)
);
create index probe_taxon on probe (project_id, taxon_id, id);
create table probe_object (
    probe_id bigint not null references probe on delete cascade,
    object_id bigint not null,
    is_likely boolean not null,
    belongs boolean,                                     -- null: not judged yet
    account_id int references account on delete set null,
    at timestamptz,
    primary key (probe_id, object_id)
);

-- The reviewer did not see the labels; what a reviewer sends back to who labelled it, until that label changes.
alter table review add column hidden boolean not null default false;
create table returned (
    project_id int not null references project on delete cascade,
    object_id bigint not null,
    account_id int not null references account on delete cascade,  -- whose label it is
    by_id int references account on delete set null,
    version int not null,                                -- of the label that is sent back
    comment text not null,
    at timestamptz not null default now(),
    primary key (project_id, object_id, account_id)
);
create index returned_to on returned (account_id, project_id);

create table sign_off (
    id bigint generated always as identity primary key,
    project_id int not null references project on delete cascade,
    taxon_id int not null references taxon on delete cascade,      -- with those below it
    account_id int references account on delete set null,
    n int not null,                                      -- validated objects of it, then
    comment text not null default '',
    at timestamptz not null default now(),
    withdrawn_at timestamptz
);
create index sign_off_taxon on sign_off (project_id, taxon_id, id);

-- What the author of a dubious label would have called it otherwise.
create table second_choice (
    project_id int not null references project on delete cascade,
    object_id bigint not null,
    account_id int not null references account on delete cascade,
    taxon_id int not null references taxon on delete cascade,
    primary key (project_id, object_id, account_id)
);

-- Audits of whatever a source finds, however many; large acceptances are done by a job, slice by slice.
alter table audit drop constraint audit_source_check;
alter table audit add constraint audit_source_check check (source in ('batch', 'pile', 'found'));
alter table audit add column query jsonb;                -- of 'found': the source; source_id is its digest
alter table audit drop constraint audit_state_check;
alter table audit add constraint audit_state_check
    check (state in ('open', 'asked', 'accepting', 'accepted', 'dropped'));
alter table audit add column job_id int references job on delete set null;
alter table audit_object add column seen boolean not null default false;  -- painted for 300 ms, as the browser says
update audit_object set seen = true where is_right is not null;

-- What people did on days that are over, so that a year of acts is not read through again.
create table activity_day (
    project_id int not null references project on delete cascade,
    day date not null,                                   -- UTC
    account_id int references account on delete set null,
    source text not null,                                -- the kind of batch, "board" for none
    n_acts bigint not null,
    n_images bigint not null,
    n_undone bigint not null,
    n_unseen bigint not null,
    n_timed bigint not null,
    seconds float8 not null
);
create index activity_day_project on activity_day (project_id, day);
alter table project add column activity_until date;      -- days before it stand in activity_day; null: none
