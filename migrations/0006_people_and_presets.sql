-- Preset taxa of a project, accounts that were removed but keep their place in history, and lists that stay quick.

create table preset_taxon (
    project_id int not null references project on delete cascade,
    taxon_id int not null references taxon on delete cascade,
    position int not null,
    primary key (project_id, taxon_id)
);
create index preset_taxon_taxon on preset_taxon (taxon_id);

alter table account add removed_at timestamptz;         -- labels and acts still name it; nobody can be it any more
alter table account add invited_by int references account on delete set null;
create index account_name on account (lower(name), id);
create index account_invited_by on account (invited_by) where invited_by is not null;

create index act_of_account on act (account_id, id);     -- one person's acts over all projects
create index act_at on act (project_id, at);             -- a project's acts of one day
