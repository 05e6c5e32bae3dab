-- What was changed of one sample, acquisition or process is shown on its page.
create index field_change_parent on field_change (parent_id, act_id) where parent_id > 0;
