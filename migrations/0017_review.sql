-- Reviews: random samples of what people validated, looked at again by somebody else.

create table review (
    id bigint generated always as identity primary key,
    project_id int not null references project on delete cascade,
    account_id int references account on delete set null,  -- who reviews
    who int references account on delete set null,        -- whose labels; null: everybody's but the reviewer's
    taxon_id int references taxon,                         -- of this taxon and those below it; null: of all
    since timestamptz,                                     -- labels from then on: the last review of the same; null: all
    n_pile int not null,                                   -- how many labels the sample stands for
    made_at timestamptz not null default now()
);
create index review_project on review (project_id, id);

-- As the labels stood when the sample was drawn.
create table review_object (
    review_id bigint not null references review on delete cascade,
    object_id bigint not null,
    taxon_id int not null,
    account_id int,
    version int not null,
    primary key (review_id, object_id)
);
