-- What a watched folder held when it was last taken in: so that a restarted watch begins where the last one was.
create table watched_source (
    project_id int not null references project on delete cascade,
    source text not null,                                -- whole path of a folder, an archive, or the watched folder itself
    stamp text not null,                                 -- of its files' names, sizes and times
    state text not null check (state in ('queued', 'taken', 'refused', 'asking')),
    job_id int references job on delete set null,
    at timestamptz not null default now(),
    primary key (project_id, source)
);
