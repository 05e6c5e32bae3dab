-- Which images a trained embedder learned from: of these a classifier on its vectors is not asked, since they are no new
-- ones to it. By the embedder's spec: one that leaves out a project's strips has another id, and the same weights.

create table embedder_teacher (
    spec text not null,
    hash bytea not null,                                 -- of the file, as content has it
    primary key (spec, hash)
);

-- Of what was trained before it is not kept which images were held out: all of the learning set count as teachers.
insert into embedder_teacher (spec, hash)
select distinct embedder.config ->> 'spec', image.hash
from embedder_training training
join embedder on embedder.id = training.embedder_id
join learning_item item on item.set_id = training.learning_set_id
join image on image.project_id = item.project_id
          and image.object_id = item.object_id;

-- What classifiers on these embedders said of held-out objects, teachers among them, promises too much.
delete from held_out
using classifier
join embedder on embedder.id = classifier.embedder_id
where held_out.classifier_id = classifier.id
  and embedder.config ->> 'spec' like 'tuned:%';

update classifier
set report = classifier.report - '{per_taxon,confusion,calibration,novelty,chosen_because,not_held_out}'::text[]
             || '{"accuracy": null, "ece": null, "n_held_out": 0, "no_promise": "before"}'
from embedder
where embedder.id = classifier.embedder_id
  and embedder.config ->> 'spec' like 'tuned:%'
  and classifier.report ? 'accuracy';
