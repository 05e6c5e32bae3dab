-- A table alone, as updates need no more: sent as it is, and known by its own name.
alter table upload drop constraint upload_kind_check;
alter table upload add constraint upload_kind_check check (kind in ('zip', 'tar', 'table', 'path'));
