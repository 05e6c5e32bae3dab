-- Classifiers: versions, what they were fitted on, what they said of objects that were held out; and runs made by them.

create table classifier (
    id int generated always as identity primary key,
    project_id int not null references project on delete cascade,
    title text not null,
    version int not null,
    learning_set_id int references learning_set on delete set null,
    embedder_id smallint references embedder,            -- null: made elsewhere
    method text not null default '',                     -- forest, discriminant, ...: as indexer/classifier says; outside
    config jsonb not null default '{}',                  -- as asked
    report jsonb not null default '{}',                  -- what to expect, from held-out objects
    taxa int[] not null default '{}',                    -- in the order of the file's classes
    n_objects int not null default 0,                    -- that it was fitted on
    blob text,                                           -- where in the store its arrays are; null: made elsewhere
    digest text,                                         -- sha256 of these
    account_id int references account on delete set null,
    job_id int references job on delete set null,
    created_at timestamptz not null default now(),
    trained_at timestamptz,                              -- null: being trained
    unique (project_id, title, version)
);

-- One row a classifier: arrays of the same length, by held-out object.
create table held_out (
    classifier_id int primary key references classifier on delete cascade,
    object_ids bigint[] not null,                        -- 0: brought from elsewhere
    project_ids int[] not null,
    truths int[] not null,                               -- taxa
    firsts int[] not null,
    scores real[] not null,                              -- calibrated, of the first
    seconds int[] not null,
    second_scores real[] not null,
    novelties real[] not null
);

alter table run
    add classifier_id int references classifier on delete set null,
    add job_id int references job on delete set null,
    add summary jsonb not null default '{}';             -- per taxon, as app/prediction/predicting.py writes it

-- The share of held-out objects that are less strange to the learning set, 0 to 1; null: not known.
alter table prediction add novelty real;
