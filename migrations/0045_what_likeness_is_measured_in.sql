-- What was begun in a space goes on in it: kept searches, and cards with what people do to them.

alter table kept_search add space_id int references space on delete set null; -- null: the plain space
alter table cluster_run add space_id int references space on delete set null;

-- What is told of spaces on a project's pages, until the person has read it.
create table space_read (
    project_id int not null references project on delete cascade,
    account_id int not null references account on delete cascade,
    version int not null,                                -- the latest that was told of
    primary key (project_id, account_id)
);
