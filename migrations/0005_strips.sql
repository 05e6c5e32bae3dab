-- What is burnt into the edge of many images of a project: found by a job or named by a person, who decides of it.
create table strip (
    id int generated always as identity primary key,
    project_id int not null references project on delete cascade,
    state text not null check (state in ('proposed', 'accepted', 'refused')),
    side text not null check (side in ('bottom', 'top', 'left', 'right')),
    size_px int not null check (size_px > 0),            -- what is cut
    found_px int,                                        -- what the job measured; null: a person named it, for all images
    align text not null default 'start' check (align in ('start', 'end', 'centre')),
    pixels bytea,                                        -- what it looks like: PNG, alpha where all have the same
    share real,                                          -- of the images that were looked at
    n_looked int,
    examples jsonb not null default '[]',                -- {hash, has}: some images with it, and some without
    account_id int references account on delete set null, -- who decided
    at timestamptz not null default now()
);
create index strip_project on strip (project_id);
