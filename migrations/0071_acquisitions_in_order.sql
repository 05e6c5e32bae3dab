-- A project's acquisitions are listed by name, a page at a time.
create index acquisition_in_order on acquisition (project_id, lower(orig_id), id);
