-- What sizes weigh in a run of cards.
alter table cluster_run add size_weight real not null default 0 check (size_weight between 0 and 1);

-- Searches that people keep: they look at what each import brings, and tell what is like their examples.
create table kept_search (
    id int generated always as identity primary key,
    project_id int not null references project on delete cascade,
    account_id int not null references account on delete cascade,
    title text not null,
    embedder_id smallint not null references embedder,
    direction real[] not null,                           -- between the examples, with sizes beside where these count
    size_weight real not null default 0,
    n_examples int not null default 1,
    examples bigint[] not null default '{}',             -- objects of the project, for people to see
    max_distance real not null,                          -- what is farther does not match
    chance real,                                         -- of the same label, that the distance was told by
    everywhere boolean not null default false,           -- in all projects that its owner may read
    since xid8 not null default pg_snapshot_xmin(pg_current_snapshot()), -- vectors of earlier transactions are not new
    paused_at timestamptz,
    made_at timestamptz not null default now()
);
create index kept_search_project on kept_search (project_id);
create index kept_search_account on kept_search (account_id);

-- Up to which transaction a search has looked at a project's vectors; no row: from its beginning.
create table kept_search_looked (
    search_id int not null references kept_search on delete cascade,
    project_id int not null references project on delete cascade,
    horizon xid8 not null,
    looked_at timestamptz not null default now(),
    n_looked bigint not null default 0,                  -- vectors that were compared so far
    primary key (search_id, project_id)
);
create index kept_search_looked_project on kept_search_looked (project_id);

create table kept_search_match (
    search_id int not null references kept_search on delete cascade,
    project_id int not null references project on delete cascade,
    object_id bigint not null,
    distance real not null,
    found_at timestamptz not null default now(),
    looked_at timestamptz,                               -- by its owner; null: new
    primary key (search_id, project_id, object_id)
);
create index kept_search_match_project on kept_search_match (project_id);
