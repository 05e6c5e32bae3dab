-- Predictions that a program writes come in pieces, as a run of their own that nobody sees before it is complete.
alter table run drop constraint run_kind_check;
alter table run add check (kind in ('import', 'classifier', 'outside'));
alter table run
    add completed_at timestamptz default now(),          -- null: pieces are still to come
    add n_predictions bigint,                            -- null: not counted (imports)
    add published_at timestamptz,                        -- when the project showed it last
    add replaced_run_id int references run on delete set null;  -- what the project showed before: undo goes back to it
