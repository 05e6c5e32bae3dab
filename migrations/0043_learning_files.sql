-- A learning set in the making is kept per person and project, and what was exported of one lies in a file for a while.

create table learning_draft (
    project_id int not null references project on delete cascade,
    account_id int not null references account on delete cascade,
    choices jsonb not null,
    changed_at timestamptz not null default now(),
    primary key (project_id, account_id)
);

create table learning_export (
    id int generated always as identity primary key,
    set_id int not null references learning_set on delete cascade,
    account_id int references account on delete set null,
    with_images boolean not null,
    job_id int references job on delete set null,
    n_bytes bigint,                                      -- null: it is not whole yet
    created_at timestamptz not null default now()
);
create index learning_export_set on learning_export (set_id);
