-- Whom an import named beside a label: the labels themselves, of which there may be 100 million, have no index by person.
alter table account add named_by_import boolean not null default false;
update account
set named_by_import = true
where id in (select account_id from label union select old_account_id from history);
