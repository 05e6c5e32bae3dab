-- Sources on their way into a project through the browser or the API: sent piece by piece, checked, asked about, imported.
create table upload (
    id uuid primary key default gen_random_uuid(),
    project_id int not null references project on delete cascade,
    account_id int references account on delete set null,
    name text not null,                                  -- the last part of its path is its file's name
    kind text not null check (kind in ('zip', 'tar', 'path')),
    path text,                                           -- kind path: a folder or archive that stands on the server itself
    size bigint not null,
    fingerprint text not null default '',                -- by which a browser finds an unfinished one of the same files
    options jsonb not null default '{}',                 -- chosen by the person, with the answers given so far
    job_id int references job on delete set null,        -- the last check or import of it
    import_id int references import on delete set null,  -- what that came to
    created_at timestamptz not null default now(),
    touched_at timestamptz not null default now(),
    completed_at timestamptz,
    removed_at timestamptz                               -- its bytes are gone
);
create index upload_project on upload (project_id, created_at);
create index upload_import on upload (import_id);
