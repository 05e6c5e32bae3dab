-- Reference projects: whose validated objects a project asks what its own may be. They vote for those who may read them.

create table project_reference (
    project_id int not null references project on delete cascade,
    reference_id int not null references project on delete cascade,
    account_id int references account on delete set null,  -- who named it
    named_at timestamptz not null default now(),
    primary key (project_id, reference_id),
    check (project_id <> reference_id)
);
create index project_reference_of on project_reference (reference_id);
