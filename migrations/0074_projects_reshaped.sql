-- Projects that are reshaped: cut out, joined, and what was deleted, which is kept for 30 days out of everybody's sight.

-- Null: seen by whom it is shared with. Else by nobody: being made, the bin of another one's objects, or deleted.
alter table project
    add hidden text check (hidden in ('making', 'bin', 'deleted')),
    add bin_of int unique references project on delete cascade; -- the project whose deleted objects wait here

-- Members of a deleted project, until it is brought back: its managers may do that.
create table hidden_member (
    project_id int not null references project on delete cascade,
    account_id int not null references account on delete cascade,
    role text not null,
    primary key (project_id, account_id)
);
create index hidden_member_account on hidden_member (account_id);

create table reshaping (
    id int generated always as identity primary key,
    kind text not null check (kind in ('subset', 'merge', 'objects', 'project')),
    project_id int not null references project on delete cascade, -- cut out of; merged into another; deleted, or its objects
    to_id int references project on delete set null,     -- what was made; merged into; the bin of the objects
    account_id int references account on delete set null,
    job_id int references job on delete set null,        -- the last one that worked on it; null: none was needed
    choices jsonb not null default '{}',                 -- as asked
    state text not null default 'asked' check (state in ('asked', 'begun', 'done', 'bringing', 'back', 'erasing')),
    n_objects bigint not null default 0,
    upto bigint not null default 0,                      -- the last object that is done with
    created_at timestamptz not null default now(),
    done_at timestamptz,
    expires_at timestamptz                               -- when what was deleted goes for good
);
create index reshaping_project on reshaping (project_id, id);
create index reshaping_to on reshaping (to_id);
create index reshaping_expires on reshaping (expires_at) where expires_at is not null;

create table reshaped_object (
    reshaping_id int not null references reshaping on delete cascade,
    object_id bigint not null,
    new_id bigint,                                       -- of its copy; null: it was moved
    primary key (reshaping_id, object_id)
);

-- What copied objects refer to, under its new number.
create table reshaped_number (
    reshaping_id int not null references reshaping on delete cascade,
    kind text not null check (kind in ('sample', 'acquisition', 'act')),
    old_id bigint not null,
    new_id bigint not null,
    primary key (reshaping_id, kind, old_id)
);
