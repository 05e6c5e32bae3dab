-- Learned spaces: linear maps of an embedder's vectors, fitted on a project's validated labels; a project points at one.

create table space (
    id int generated always as identity primary key,
    project_id int not null references project on delete cascade,
    embedder_id smallint not null references embedder,
    version int not null,
    dimension int not null,
    map bytea not null,                                  -- float32, as indexer/spaces reads it
    n_labels int not null,
    report jsonb not null default '{}',                  -- held-out agreement before and after
    status text not null check (status in ('candidate', 'adopted', 'refused', 'former')),
    account_id int references account on delete set null,
    job_id int references job on delete set null,
    created_at timestamptz not null default now(),
    adopted_at timestamptz,
    unique (project_id, version)
);

alter table project add space_id int references space on delete set null; -- null: the plain space

-- What a batch's likeness is measured in, as long as it is open. Null space: plain; null embedder: the project's.
alter table batch
    add embedder_id smallint references embedder,
    add space_id int references space on delete set null;
