"""What a whole project is made of: its tables in the order in which they are written, and what their columns name.

A column's kind says how its value is found again in another Shoal: `project`, `taxon`, `account` and `embedder` are
looked up; kinds of NUMBERED keep their order in a new block of numbers; `json` and `address` hold such numbers inside
(see archive_inside.py); `none` names what stays behind. A kind with [] is an array of these.
"""

from dataclasses import dataclass, field

OF_PROJECT = "t.project_id = {project}"
# Kinds whose numbers come from a sequence: the whole block of a project moves, so that order and gaps stay.
NUMBERED = {
    "object": "object_id_seq",
    "parent": "parent_id_seq",
    **{
        table: f"{table}_id_seq"
        for table in (
            "import", "learning_set", "space", "classifier", "run", "batch", "act", "pile", "audit", "review", "probe",
            "cluster_run", "cluster", "kept_search",
        )
    },
}  # fmt: skip
BY_NAME = {
    "project_id": "project",
    **dict.fromkeys(("object_id",), "object"),
    **dict.fromkeys(("object_ids", "known_ids", "stacks"), "object[]"),
    **dict.fromkeys(("sample_id", "acquisition_id", "group_id", "parent_id"), "parent"),
    **dict.fromkeys(
        ("taxon_id", "taxon_2_id", "taxon_3_id", "old_taxon_id", "new_taxon_id", "old_predicted_taxon_id",
         "own_taxon_id"),
        "taxon",
    ),
    **dict.fromkeys(("taxa", "truths", "firsts", "seconds"), "taxon[]"),
    **dict.fromkeys(
        ("account_id", "created_by", "old_account_id", "by_id", "decided_by", "asked_by", "who"), "account"
    ),
    "seen_by": "account[]",
    **dict.fromkeys(("embedder_id", "before_id"), "embedder"),
    **dict.fromkeys(("act_id", "old_act_id", "reverses", "reversed_by"), "act"),
    **dict.fromkeys(("run_id", "replaced_run_id"), "run"),
    **dict.fromkeys(("set_id", "learning_set_id"), "learning_set"),
    **dict.fromkeys(("removed", "added"), "cluster[]"),
    **dict.fromkeys(("job_id", "move_job_id"), "none"),
    "import_id": "import",
    "batch_id": "batch",
    "classifier_id": "classifier",
    "space_id": "space",
    "pile_id": "pile",
    "audit_id": "audit",
    "review_id": "review",
    "probe_id": "probe",
    "search_id": "kept_search",
    "tx": "none",
    "horizon": "next_tx",
    "since": "next_tx",
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """`of`: which rows are the project's. `kinds`: of columns that BY_NAME does not tell. `said`: what is archived in
    place of a column. `later`: written once what it names is there."""

    name: str
    of: str = OF_PROJECT
    kinds: dict[str, str] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    later: tuple[str, ...] = ()

    def kind(self, column: str) -> str:
        return self.kinds.get(column, BY_NAME.get(column, "plain"))


def _under(parent: str, key: str) -> str:
    return f"t.{key} in (select id from {parent} where project_id = {{project}})"  # noqa: S608 - constants


OWN_OBJECTS = """array(select case when project = {project} then object else 0 end
      from unnest(t.object_ids, t.project_ids) with ordinality as one (object, project, place) order by place)"""
OWN_PROJECTS = """array(select case when project = {project} then project else 0 end
      from unnest(t.project_ids) with ordinality as one (project, place) order by place)"""
OTHERS_VECTORS = """
    union all
    select item.set_id, v.embedder_id, item.number, v.v
    from learning_item as item
    join learning_set on learning_set.id = item.set_id
    join project on project.id = {project}
    join object_vector as v on v.embedder_id = project.embedder_id and v.project_id = item.project_id
                           and v.object_id = item.object_id
    where learning_set.project_id = {project}
      and item.project_id <> {project}
"""
ID = {"id": "none"}

TABLES = (
    Table("project", "t.id = {project}",
          {"id": "project", "settings": "json", "current_run_id": "run", "bin_of": "none"},
          {"activity_until": "null"}, ("current_run_id", "space_id")),
    Table("member"),
    Table("import", kinds={"id": "import"},
          said={"status": "case when t.status in ('running', 'asking') then 'failed' else t.status end"}),
    Table("field", kinds=ID),
    Table("sample", kinds={"id": "parent"}),
    Table("acquisition", kinds={"id": "parent"}),
    Table("process"),
    Table("object", kinds={"id": "object"}),
    Table("object_field"),
    Table("image"),
    Table("unreadable_image", "t.hash in (select hash from image where project_id = {project})"),
    Table("embedding_failure"),
    Table("object_vector"),
    Table("strip", kinds=ID),
    Table("preset_taxon"),
    Table("board_preference", kinds={"settings": "json"}),
    Table("learning_set", kinds={"id": "learning_set", "choices": "json", "source_ids": "project[]"},
          said={"source_ids": "array(select unnest(t.source_ids) intersect select {project})"}),
    # What other projects taught goes as what was brought from elsewhere, with its vectors.
    Table("learning_item", _under("learning_set", "set_id"),
          said={"project_id": "case when t.project_id = {project} then t.project_id end",
                "object_id": "case when t.project_id = {project} then t.object_id end"}),
    Table("learning_vector", _under("learning_set", "set_id") + OTHERS_VECTORS),
    Table("space", kinds={"id": "space", "report": "json"}),
    Table("classifier", kinds={"id": "classifier", "config": "json", "report": "json"}),
    Table("held_out", _under("classifier", "classifier_id"), {"project_ids": "project[]"},
          {"object_ids": OWN_OBJECTS, "project_ids": OWN_PROJECTS}),
    Table("embedder_training", kinds=ID | {"config": "json", "report": "json"}),
    Table("run", kinds={"id": "run", "config": "json", "summary": "json"}),
    Table("prediction"),
    Table("batch", kinds={"id": "batch", "query": "json"}),
    Table("batch_part", _under("batch", "batch_id")),
    Table("act", kinds={"id": "act", "detail": "json", "refused": "json"}),
    Table("batch_page", _under("batch", "batch_id"), {"basis": "json", "proposals": "json"}),
    Table("label"),
    Table("history"),
    Table("field_change"),
    Table("frozen_version", kinds=ID),
    Table("frozen_label"),
    Table("frozen_refusal"),
    Table("count_delta", kinds=ID),
    Table("comment", kinds=ID),
    Table("pile", kinds={"id": "pile"}),
    Table("pile_object", _under("pile", "pile_id")),
    Table("pile_seen", _under("pile", "pile_id")),
    Table("audit", kinds={"id": "audit", "query": "json", "source_id": "audited"}),
    Table("audit_object", _under("audit", "audit_id")),
    Table("review", kinds={"id": "review", "since": "plain"}),
    Table("review_object", _under("review", "review_id")),
    Table("refusal"),
    Table("settled"),
    Table("probe", kinds={"id": "probe"}),
    Table("probe_object", _under("probe", "probe_id")),
    Table("returned"),
    Table("sign_off", kinds=ID),
    Table("second_choice"),
    Table("cluster_run", kinds={"id": "cluster_run", "query": "address"}),
    Table("cluster", _under("cluster_run", "run_id"), {"id": "cluster", "run_id": "cluster_run"}),
    Table("cluster_leaf", _under("cluster_run", "run_id"), {"run_id": "cluster_run"}),
    Table("cluster_step", _under("cluster_run", "run_id"), ID | {"run_id": "cluster_run"}),
    Table("kept_search", kinds={"id": "kept_search", "examples": "object[]"}),
    Table("kept_search_match", _under("kept_search", "search_id") + " and t.project_id = {project}"),
)  # fmt: skip

# Tables with something of a project that does not go with it, and why.
LEFT_OUT = {
    "taxon": "found in the other Shoal, or made there",
    "activity_day": "summed up anew from the acts",
    "kept_search_looked": "all that comes with the archive has been looked at",
    "project_reference": "other projects",
    "upload": "under way",
    "watched_source": "folders of the machine",
    "import_chunk": "under way",
    "staged_row": "under way",
    "edit_table": "kept for a day",
    "edit_row": "kept for a day",
    "job": "what was done here",
    "job_log": "what was done here",
    "export": "files that can be written again",
    "learning_draft": "not made yet",
    "learning_export": "files that can be written again",
    "query_image": "kept for a month",
    "space_read": "who has read what",
    "reservation": "minutes",
    "vector_removed": "indexes that are built anew",
    "disk_use": "measured anew",
    "project_reach": "worked out anew",
    "reshaping": "what was done here",
    "reshaped_object": "what was done here",
    "reshaped_number": "what was done here",
    "frozen_proposal": "looked for anew",
    "frozen_look": "looked for anew",
    "ecotaxa_link": "agreed with another server: a link there is made anew, and finds the objects again",
    "ecotaxa_visit": "what was done here",
    "ecotaxa_object": "as the link",
    "ecotaxa_category": "as the link",
    "ecotaxa_taxon": "as the link",
    "hidden_member": "of deleted projects",
}
