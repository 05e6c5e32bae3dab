-- What an update from a table did, as acts, is found by its import, to be taken back.

create index act_import on act (project_id, (detail ->> 'import_id')) where detail ? 'import_id';
