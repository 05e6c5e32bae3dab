-- How one person keeps one project's board: which taxa the digits stand for, sizes, fields under tiles, contrast.
create table board_preference (
    project_id int not null references project on delete cascade,
    account_id int not null references account on delete cascade,
    settings jsonb not null default '{}',
    primary key (project_id, account_id)
);
create index board_preference_account on board_preference (account_id);

-- A comment that is sent again after a lost answer is written once.
alter table comment add column client_id uuid;
create unique index comment_once on comment (project_id, object_id, client_id);
