-- A run that carries over what the one before it said keeps its novelty, and tells by whom it was said.

-- The classifier that first said it, where it was carried over; 0: none, as an import. Null: the run's own word.
alter table prediction add said_by int;
