-- Embedders that projects train from labels: what was asked, what came out, and whether the project has moved to it.

create table embedder_training (
    id int generated always as identity primary key,
    project_id int not null references project on delete cascade, -- that asked for it
    name text not null,                                  -- as a person calls it; the embedder's adds its version
    config jsonb not null default '{}',                  -- as asked: network, minutes, epochs, device
    learning_set_id int references learning_set on delete set null,
    n_validated int not null default 0,                  -- in the project when it was asked for
    before_id smallint references embedder,              -- the project's embedder then
    embedder_id smallint references embedder,            -- null: not trained yet
    report jsonb not null default '{}',                  -- agreement before and after, on held-out images
    account_id int references account on delete set null,
    job_id int references job on delete set null,
    move_job_id int references job on delete set null,   -- the last one that was to move the project there or back
    created_at timestamptz not null default now(),
    trained_at timestamptz
);

create index on embedder_training (project_id);
