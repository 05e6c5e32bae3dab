-- The acts of a project by time: today's are read anew whenever somebody asks, those before stand in activity_day.
create index act_project_at on act (project_id, at);
