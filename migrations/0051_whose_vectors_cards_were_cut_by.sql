-- Cards stay as they were cut; whose vectors by, tells whether their project compares in another way by now.

alter table cluster_run add embedder_id smallint references embedder;

update cluster_run
   set embedder_id = coalesce((select space.embedder_id from space where space.id = cluster_run.space_id),
                              project.embedder_id)
  from project
 where project.id = cluster_run.project_id
   and cluster_run.cut_at is not null;
