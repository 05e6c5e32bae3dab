-- Learning sets: validated objects of chosen projects, frozen with the taxon that each is to teach.

create table learning_set (
    id int generated always as identity primary key,
    project_id int not null references project on delete cascade, -- where it was made
    title text not null,
    version int not null,
    choices jsonb not null default '{}',                 -- as asked: sources, filters, mapping, limit, seed
    source_ids int[] not null default '{}',              -- the projects that its objects are of
    n_objects int not null default 0,
    n_taxa int not null default 0,
    account_id int references account on delete set null,
    job_id int references job on delete set null,
    created_at timestamptz not null default now(),
    frozen_at timestamptz,                               -- null: it is being made, and nobody may learn from it
    unique (project_id, title, version)
);

create table learning_item (
    set_id int not null references learning_set on delete cascade,
    number int not null,                                 -- from 0, in the order of object_id where there is one
    project_id int,                                      -- null: brought from elsewhere, with its own vector
    object_id bigint,
    taxon_id int not null,                               -- what it teaches
    own_taxon_id int,                                    -- what it was validated as
    group_id bigint not null default 0,                  -- its sample: held out together
    primary key (set_id, number)
);

-- Vectors of what was brought from elsewhere.
create table learning_vector (
    set_id int not null references learning_set on delete cascade,
    embedder_id smallint not null references embedder,
    number int not null,
    v halfvec not null,
    primary key (set_id, embedder_id, number)
);
