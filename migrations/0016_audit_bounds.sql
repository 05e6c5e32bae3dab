-- What an audit goes on from: the random draws of earlier audits of the same source and taxon within its scope.

alter table audit add column look int not null default 1;              -- how many times these were looked at, with this one
alter table audit add column n_before int not null default 0;          -- earlier random draws within the scope, and how
alter table audit add column n_wrong_before int not null default 0;    -- many of them were wrong
alter table audit add column limit_share real not null default 0.05;   -- the project's limit when it was drawn
