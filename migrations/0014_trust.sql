-- Trust: undo of many acts at once, piles set aside under a provisional name, and audits of what was accepted unseen.

alter table act drop constraint act_kind_check;
alter table act add constraint act_kind_check check (
    kind in ('label', 'confirm', 'doubt', 'not_this', 'undo', 'redo', 'undo_all', 'redo_all', 'import')
);
create index act_person_at on act (project_id, account_id, at, id);   -- one person's acts of a period

create table pile (
    id bigint generated always as identity primary key,
    project_id int not null references project on delete cascade,
    client_id uuid not null,                             -- made by the browser: sent twice, it happens once
    name text not null,                                  -- provisional: "worm-like, to be asked"
    account_id int references account on delete set null,
    made_at timestamptz not null default now(),
    closed_at timestamptz,
    taxon_id int references taxon,                       -- what it was named in the end, and by which act
    act_id bigint references act on delete set null,
    unique (project_id, client_id)
);

create table pile_object (
    pile_id bigint not null references pile on delete cascade,
    object_id bigint not null,
    account_id int references account on delete set null,  -- who set it aside, and so has seen it
    at timestamptz not null default now(),
    primary key (pile_id, object_id)
);
create index pile_object_object on pile_object (object_id);

create table pile_seen (
    pile_id bigint not null references pile on delete cascade,
    object_id bigint not null,
    account_id int not null references account on delete cascade,
    primary key (pile_id, account_id, object_id)
);

-- An audit of the unseen part of a batch or a pile: the sample is drawn once, its verdicts come one by one. The bound
-- counts the random ones of all audits of the same source and taxon.
create table audit (
    id bigint generated always as identity primary key,
    project_id int not null references project on delete cascade,
    client_id uuid not null,
    source text not null check (source in ('batch', 'pile')),
    source_id bigint not null,
    account_id int references account on delete set null,
    taxon_id int not null references taxon,
    status text not null check (status in ('V', 'D')),
    object_ids bigint[] not null,                        -- the unseen when it was drawn, in the order of the source
    state text not null default 'open' check (state in ('open', 'asked', 'accepted', 'dropped')),
    reason text not null default '',                     -- what an annotator tells the manager who is to decide
    act_id bigint references act on delete set null,
    decided_by int references account on delete set null,
    made_at timestamptz not null default now(),
    ended_at timestamptz,
    unique (project_id, client_id)
);
create index audit_source on audit (source, source_id, taxon_id);
create index audit_project on audit (project_id, id);

create table audit_object (
    audit_id bigint not null references audit on delete cascade,
    object_id bigint not null,
    is_random boolean not null,                          -- false: one of the least likely, which no bound counts
    is_right boolean,                                    -- null: not judged yet
    taxon_id int references taxon,                       -- what a stranger was corrected to
    account_id int references account on delete set null,
    at timestamptz,
    primary key (audit_id, object_id)
);
