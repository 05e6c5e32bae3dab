-- A project written out: what was asked for, by whom, and the file while it is kept.

create table export (
    id int generated always as identity primary key,
    project_id int not null references project on delete cascade,
    account_id int references account on delete set null,
    kind text not null,
    choices jsonb not null default '{}',
    job_id int references job on delete set null,
    file_name text not null,
    n_bytes bigint,                                      -- null: it is not whole yet
    n_rows bigint,
    created_at timestamptz not null default now(),
    expires_at timestamptz                               -- when the file goes; null: it is not whole yet
);
create index export_project on export (project_id, id);
