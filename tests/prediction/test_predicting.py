"""A classifier's run: of what nobody has labelled, seen whole or not at all, and undone by one pointer."""

from typing import Any

import numpy as np
import pytest
from psycopg.types.json import Jsonb

from app.database import Db, connect
from app.errors import Conflict, NotFound, Refused
from app.jobs.queue import cancel, retry
from app.prediction import clearing, outside, pieces, predicting, runs_made, summaries
from app.prediction.novel import Limits, cap, capped
from app.prediction.pieces import Rows
from app.prediction.renamed import by_choices, merged
from app.prediction.shown import is_known, shown_run
from app.prediction.thresholds import working
from app.search.mirror import open_mirror
from app.search.vector_copy import write_vectors
from tests.labels.test_concurrency import at_once
from tests.prediction.classifiers import keep_classifier, learnt
from tests.prediction.reef import N_LABELLED, NAMES, N, Reef, ada, ben, own_home, reef
from tests.search.conftest import make_embedder, unit_vectors
from tests.small_projects import make_project, predict

__all__ = ["ada", "ben", "own_home", "reef"]


def test_what_nobody_has_labelled_is_predicted_and_shown(reef: Reef) -> None:
    run_id = reef.predict()
    rows = reef.rows(run_id)
    assert list(rows) == reef.ids[N_LABELLED:]
    right = [rows[i].taxon_id == reef.made.taxa[reef.truth[k]] for k, i in enumerate(reef.ids) if k >= N_LABELLED]
    assert np.mean(right) > 0.9
    row = rows[reef.ids[-1]]
    assert len({row.taxon_id, row.taxon_2_id, row.taxon_3_id}) == 3
    assert row.score >= row.score_2 >= row.score_3 >= 0
    assert row.score + row.score_2 + row.score_3 <= 1 + 1e-6
    assert all(0 <= row.novelty <= 1 for row in rows.values())
    assert reef.shown() == run_id
    counts = reef.counts()
    assert sum(n for (_, status), n in counts.items() if status == "P") == N - N_LABELLED
    assert (0, "U") not in counts


def test_undo_shows_what_was_there_before(reef: Reef) -> None:
    before = reef.counts()
    former = reef.predict()
    later = reef.predict(filter_query=f"taxon={reef.made.taxa['Oithona']}")
    assert reef.run(later).replaced_run_id == former
    outside.take_back(reef.db, reef.project())
    reef.db.commit()
    assert reef.shown() == former
    outside.take_back(reef.db, reef.project())
    reef.db.commit()
    assert reef.counts() == before


def test_a_manager_may_look_first(reef: Reef) -> None:
    before = reef.counts()
    run_id = reef.predict(publish=False)
    assert reef.run(run_id).completed_at is not None
    assert reef.shown() is None and reef.counts() == before
    outside.show(reef.db, reef.project(), run_id)
    reef.db.commit()
    assert reef.shown() == run_id


def test_what_the_filter_leaves_out_keeps_what_was_said_of_it(reef: Reef) -> None:
    taxa, free = reef.made.taxa, reef.ids[N_LABELLED:]
    former = predict(reef.made, dict.fromkeys(free, "fiber") | {reef.ids[0]: "fiber"})
    outside.show(reef.db, reef.project(), former)
    reef.db.commit()
    sample = reef.db.execute("select sample_id from object where id = %s", [free[0]]).fetchone().sample_id
    run_id = reef.predict(filter_query=f"sample={sample}")
    rows = reef.rows(run_id)
    assert set(rows) == set(free) | {reef.ids[0]}
    predicted = [i for i in free if rows[i].said_by is None]
    assert len(predicted) == 10 and all(rows[i].taxon_id != taxa["fiber"] for i in predicted)
    assert all(rows[i].taxon_id == taxa["fiber"] for i in free if i not in predicted)
    reef.counts()
    assert summaries.read(reef.run(run_id).summary).n_carried == 70  # of what nobody has labelled


def test_what_is_carried_over_comes_in_pieces_also_where_little_is_predicted(
    reef: Reef, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = reef.ids[N_LABELLED:]
    outside.show(reef.db, reef.project(), predict(reef.made, dict.fromkeys(free, "fiber")))
    reef.db.commit()
    sample = reef.db.execute("select sample_id from object where id = %s", [free[0]]).fetchone().sample_id
    carry_over, carried = pieces.carry_over, []

    def noted(*asked: Any) -> int:
        carried.append(carry_over(*asked))
        return carried[-1]

    monkeypatch.setattr(predicting, "PASSED", 15)
    monkeypatch.setattr(pieces, "carry_over", noted)
    run_id = reef.predict(filter_query=f"sample={sample}")
    assert list(reef.rows(run_id)) == free and reef.run(run_id).n_predictions == len(free)
    assert sum(carried) == len(free) - 10 and max(carried) <= 15
    reef.counts()


def sayers(reef: Reef, run_id: int) -> list[int]:
    """By which classifier each unlabelled object was called what it is."""
    rows, run = reef.rows(run_id), reef.run(run_id)
    return [run.classifier_id if rows[i].said_by is None else rows[i].said_by for i in reef.ids[N_LABELLED:]]


def another(reef: Reef, embedder_id: int | None = None) -> int:
    """A second classifier, of the same embedder where none is named."""
    fitted = learnt(reef.vectors[:N_LABELLED], [reef.made.taxa[name] for name in reef.truth[:N_LABELLED]])
    return keep_classifier(reef.db, reef.settings, reef.id, embedder_id or reef.embedder_id, "Another", fitted)


def test_it_is_known_who_said_what_was_carried_over(reef: Reef) -> None:
    sample = reef.db.execute("select sample_id from object where id = %s", [reef.ids[-1]]).fetchone().sample_id
    reef.predict()
    again = reef.predict(filter_query=f"sample={sample}")
    told = working(reef.db, reef.id)
    assert set(sayers(reef, again)) == {reef.classifier_id} and told is not None and not told.n_carried.any()
    other = another(reef)
    run_id = reef.predict(classifier_id=other, filter_query=f"sample={sample}")
    said = sayers(reef, run_id)
    n_own = said.count(other)
    assert 0 < n_own < N - N_LABELLED and set(said) == {other, reef.classifier_id}
    told = working(reef.db, reef.id)
    assert told is not None and (int(told.n_carried.sum()), told.n_own) == (N - N_LABELLED - n_own, n_own)
    assert int(told.taken[:, 0].sum()) <= n_own
    assert sayers(reef, reef.predict(classifier_id=other, filter_query=f"sample={sample}")) == said
    reef.predict(filter_query=f"sample={sample}")
    told = working(reef.db, reef.id)
    assert told is not None and not told.n_carried.any()  # all of it is the first one's own word again


def unlike_all(reef: Reef, n: int) -> list[int]:
    """The last objects get vectors that are unlike what was learned from."""
    strange = reef.ids[-n:]
    reef.db.execute("delete from object_vector where object_id = any(%s)", [strange])
    away = -reef.vectors.mean(0) + 0.01 * unit_vectors(n, reef.vectors.shape[1], seed=9)
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    write_vectors(reef.db, reef.embedder_id, reef.id, np.array(strange), away)
    return strange


def test_what_was_novel_stays_novel_when_another_classifier_has_no_vector_of_it(reef: Reef) -> None:
    strange = unlike_all(reef, 5)
    before = reef.rows(reef.predict())
    former = make_embedder(reef.db, reef.vectors.shape[1], "a former one")
    write_vectors(reef.db, former, reef.id, np.array(reef.ids[:-5]), reef.vectors[:-5])
    rows = reef.rows(reef.predict(classifier_id=another(reef, former)))
    assert [rows[i].novelty for i in strange] == [before[i].novelty for i in strange]
    assert {rows[i].said_by for i in strange} == {reef.classifier_id}
    mirror, run = open_mirror(reef.db, reef.id), shown_run(reef.db, reef.id)
    told = working(reef.db, reef.id)
    assert told is not None and (int(told.n_carried.sum()), int(told.n_novel.sum())) >= (5, 5)
    assert told.n_own == N - N_LABELLED - 5
    assert not is_known(reef.db, mirror, run)[mirror.ordinals(np.array(strange))].any()


def test_a_classifier_that_reads_nothing_of_what_is_asked_is_refused(reef: Reef) -> None:
    shown = reef.predict()
    former = make_embedder(reef.db, reef.vectors.shape[1], "a former one")
    write_vectors(reef.db, former, reef.id, np.array(reef.ids[:N_LABELLED]), reef.vectors[:N_LABELLED])
    with pytest.raises(Conflict, match="none of the 80 objects that would be predicted has one"):
        reef.start(classifier_id=another(reef, former))
    reef.db.rollback()
    assert reef.shown() == shown and reef.db.execute("select count(*) as n from run").fetchone().n == 1


def test_a_job_whose_vectors_have_all_gone_shows_no_empty_run(reef: Reef) -> None:
    run_id, job_id = reef.start()
    reef.db.execute("delete from object_vector where object_id = any(%s)", [reef.ids[N_LABELLED:]])
    with pytest.raises(Refused, match="that would be predicted has one"):
        reef.work(job_id)
    assert reef.shown() is None and reef.run(run_id).completed_at is None


def test_what_is_being_carried_over_is_not_removed(reef: Reef, monkeypatch: pytest.MonkeyPatch) -> None:
    former, shown = reef.predict(), reef.predict()
    outside.take_back(reef.db, reef.project())
    run_id, job_id = reef.start()
    said: list[str] = []

    def meddle(*_: Any) -> None:
        with connect(reef.settings.database_url) as db:
            outside.show(db, reef.project(), shown)
            db.commit()
            with pytest.raises(Conflict, match=f"carried over into run {run_id}"):
                clearing.remove(db, reef.project(), None, former)
            said.append("refused")

    monkeypatch.setattr(pieces, "settle", meddle)
    reef.work(job_id)
    assert said and reef.run(run_id).completed_at is not None


def test_a_run_does_not_go_on_when_what_it_carried_over_is_gone(reef: Reef) -> None:
    former = reef.predict()
    run_id, job_id = reef.start()
    reef.db.execute("update run set summary = jsonb_build_object('carries', %s::int) where id = %s", [former, run_id])
    reef.db.execute("update run set removed_at = now() where id = %s", [former])
    with pytest.raises(Refused, match="was removed meanwhile"):
        reef.work(job_id)


def closed_project(reef: Reef) -> int:
    """Another one, which Ada may not read."""
    return make_project(reef.db, 1, "Closed").id


def learned_from(reef: Reef, db: Db, project_id: int) -> None:
    db.execute("update classifier set report = report || %s", [Jsonb({"sources": [reef.id, project_id]})])
    db.commit()


def test_who_may_not_read_a_source_any_more_when_the_job_begins_predicts_nothing(reef: Reef) -> None:
    run_id, job_id = reef.start()
    learned_from(reef, reef.db, closed_project(reef))
    with pytest.raises(Refused, match="which you may not read"):
        reef.work(job_id)
    assert not reef.rows(run_id) and reef.run(run_id).completed_at is None


def test_who_may_not_read_a_source_any_more_at_the_end_shows_nothing(
    reef: Reef, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, job_id = reef.start()
    closed = closed_project(reef)
    monkeypatch.setattr(pieces, "settle", lambda db, *_: learned_from(reef, db, closed))
    with pytest.raises(Refused, match="which you may not read"):
        reef.work(job_id)
    assert reef.run(run_id).completed_at is None and reef.shown() is None


def test_the_summary_says_what_there_is_per_taxon(reef: Reef) -> None:
    run_id = reef.predict()
    summary, rows = summaries.read(reef.run(run_id).summary), reef.rows(run_id).values()
    assert {one.taxon_id for one in summary.taxa} == {reef.made.taxa[name] for name in NAMES}
    for one in summary.taxa:
        own = [row for row in rows if row.taxon_id == one.taxon_id]
        assert one.n == len(own) and one.mean_score == pytest.approx(np.mean([row.score for row in own]), abs=1e-3)
        assert one.n_confident == sum(row.score >= summary.confident_from for row in own)
        assert one.n_novel == sum(row.novelty >= np.float32(summary.novel_from) for row in own)
    assert (summary.n, summary.n_labelled, summary.n_without_vector) == (N - N_LABELLED, N_LABELLED, 0)
    assert reef.run(run_id).n_predictions == summary.n


def test_what_is_unlike_the_learning_set_gets_no_confident_label(reef: Reef) -> None:
    strange = unlike_all(reef, 5)
    run_id = reef.predict()
    summary, rows = summaries.read(reef.run(run_id).summary), reef.rows(run_id)
    assert summary.n_novel >= 5 and summary.score_cap <= 0.5
    for object_id in strange:
        row = rows[object_id]
        assert row.novelty >= summary.novel_from and row.score <= summary.score_cap + 1e-6
        assert row.score >= row.score_2 >= row.score_3


def test_novel_scores_keep_their_order_and_others_are_left_alone() -> None:
    scores = np.array([[0.9, 0.06, 0.04], [0.9, 0.06, 0.04], [0.3, 0.2, 0.1]], np.float32)
    told = capped(scores, np.array([0.5, 0.999, 1.0]), Limits(0.99, 0.45))
    assert np.allclose(told, [[0.9, 0.06, 0.04], [0.45, 0.03, 0.02], [0.3, 0.2, 0.1]])


def test_the_cap_is_what_held_out_objects_bore_out() -> None:
    novel = np.repeat([True, False], [18, 80])
    assert cap(np.arange(98) < 3, novel) == pytest.approx(4 / 20)
    assert cap(np.ones(98, bool), novel) == 0.5
    assert cap(np.ones(4, bool), np.zeros(4, bool)) == 0.5


def test_objects_without_a_vector_are_told_and_keep_what_was_said(reef: Reef) -> None:
    bare = reef.ids[-3:]
    reef.db.execute("delete from object_vector where object_id = any(%s)", [bare])
    former = predict(reef.made, {bare[0]: "fiber"})
    outside.show(reef.db, reef.project(), former)
    run_id, job_id = reef.start()
    reef.work(job_id)
    assert set(bare) & set(reef.rows(run_id)) == {bare[0]}
    assert summaries.read(reef.run(run_id).summary).n_without_vector == 3
    assert "3 objects have no vector" in reef.logged(job_id)
    reef.counts()


def test_what_was_asked_is_remembered_beside_what_others_keep(reef: Reef) -> None:
    reef.db.execute("""update project set settings = '{"a": 1, "prediction": {"method": "forest"}}'""")
    reef.start(filter_query="status=U", publish=False)
    settings = reef.project().settings
    assert settings["a"] == 1 and settings["prediction"]["method"] == "forest"
    assert runs_made.remembered(settings) == runs_made.Wish(reef.classifier_id, "status=U", False)


def test_a_taxon_that_was_deprecated_since_is_told_as_the_one_in_its_place(reef: Reef) -> None:
    taxa = reef.made.taxa
    reef.db.execute("update taxon set status = 'D', rename_to = %s where id = %s", [taxa["fiber"], taxa["detritus"]])
    told = {row.taxon_id for row in reef.rows(reef.predict()).values()}
    assert told == {taxa["Oithona"], taxa["Calanoida"], taxa["fiber"]}


def test_two_choices_that_became_one_taxon_are_one_with_both_scores(reef: Reef) -> None:
    taxa = reef.made.taxa
    before = reef.rows(reef.predict())
    query = "update taxon set status = 'D', rename_to = %s where id = any(%s)"
    reef.db.execute(query, [taxa["fiber"], [taxa["Oithona"], taxa["Calanoida"]]])
    rows = reef.rows(reef.predict())
    assert len(rows) == N - N_LABELLED
    for object_id, row in rows.items():
        was = before[object_id]
        told = dict(
            zip([was.taxon_id, was.taxon_2_id, was.taxon_3_id], [was.score, was.score_2, was.score_3], strict=True)
        )
        assert {row.taxon_id, row.taxon_2_id} == {taxa["fiber"], taxa["detritus"]}
        assert (row.taxon_3_id, row.score_3) == (None, None) and row.score >= row.score_2
        if was.novelty < 0.99:
            both = row.score if row.taxon_id == taxa["fiber"] else row.score_2
            assert both == pytest.approx(told[taxa["Oithona"]] + told[taxa["Calanoida"]], abs=1e-5)
    reef.counts()


def test_choices_that_became_one_come_in_the_order_of_their_scores() -> None:
    taxa = np.array([[5, 7, 7], [5, 7, 5], [7, 7, 7], [5, 6, 7]], np.int32)
    scores = np.array([[0.4, 0.3, 0.25], [0.4, 0.3, 0.2], [0.5, 0.3, 0.2], [0.5, 0.3, 0.2]], np.float32)
    now, told = merged(taxa, scores)
    assert now.tolist() == [[7, 5, 0], [5, 7, 0], [7, 0, 0], [5, 6, 7]]
    assert np.allclose(told, [[0.55, 0.4, 0], [0.6, 0.3, 0], [1, 0, 0], [0.5, 0.3, 0.2]])
    parts = list(by_choices(Rows(np.arange(4), now, told, np.zeros(4, np.float32))))
    assert [(part.ids.tolist(), part.taxa.shape[1]) for part in parts] == [([2], 1), ([0, 1], 2), ([3], 3)]


def test_two_taxa_give_two_choices(reef: Reef) -> None:
    few = [k for k in range(N_LABELLED) if reef.truth[k] != "Calanoida"]
    fitted = learnt(reef.vectors[few], [reef.made.taxa[reef.truth[k]] for k in few])
    two = keep_classifier(reef.db, reef.settings, reef.id, reef.embedder_id, "Two", fitted)
    rows = reef.rows(reef.predict(classifier_id=two)).values()
    assert {(row.taxon_3_id, row.score_3) for row in rows} == {(None, None)}
    assert all(row.taxon_2_id and row.score + row.score_2 == pytest.approx(1, abs=1e-3) for row in rows
               if row.novelty < 0.99)  # fmt: skip
    reef.counts()


def test_two_clicks_make_one_run(reef: Reef) -> None:
    assert reef.start() == reef.start()
    assert reef.start(filter_query="status=U") != reef.start()


def test_a_cancelled_job_shows_nothing_and_goes_on_when_it_is_tried_again(
    reef: Reef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predicting, "PIECE", 10)
    run_id, job_id = reef.start()
    before, write = reef.counts(), predicting._write

    def cut(db, job, plan, rows, after, up_to):
        if after:
            job.cancelled.set()
        write(db, job, plan, rows, after, up_to)

    monkeypatch.setattr(predicting, "_write", cut)
    with pytest.raises(Refused, match="stopped"):
        reef.work(job_id)
    assert 0 < len(reef.rows(run_id)) < N - N_LABELLED
    assert reef.counts() == before
    with pytest.raises(Conflict, match="not complete"):
        outside.show(reef.db, reef.project(), run_id)
    reef.db.rollback()
    monkeypatch.setattr(predicting, "_write", write)
    kept = {i: row.score for i, row in reef.rows(run_id).items()}
    again = retry(reef.db, job_id, reef.ada.id)
    reef.work(again)
    rows = reef.rows(run_id)
    assert list(rows) == reef.ids[N_LABELLED:] and {i: rows[i].score for i in kept} == kept
    assert reef.run(run_id).n_predictions == N - N_LABELLED and reef.shown() == run_id
    reef.counts()


def test_of_two_workers_at_one_run_each_piece_is_written_once(reef: Reef, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predicting, "PIECE", 10)
    run_id, job_id = reef.start()
    write, done = predicting._write, []

    def both(db, job, plan, rows, after, up_to):
        write(db, job, plan, rows, after, up_to)
        if not done:
            done.append(after)
            write(db, job, plan, rows, after, up_to)

    monkeypatch.setattr(predicting, "_write", both)
    with pytest.raises(Refused, match="stopped"):
        reef.work(job_id)
    assert len(reef.rows(run_id)) == 10
    reef.work(job_id)
    assert list(reef.rows(run_id)) == reef.ids[N_LABELLED:] and reef.run(run_id).n_predictions == N - N_LABELLED


def test_a_run_that_is_being_made_is_not_removed(reef: Reef) -> None:
    run_id, job_id = reef.start()
    with pytest.raises(Conflict, match="being made"):
        clearing.remove(reef.db, reef.project(), None, run_id)
    cancel(reef.db, job_id)
    clearing.remove(reef.db, reef.project(), None, run_id)


def test_old_runs_go_except_what_an_undo_comes_to(reef: Reef, monkeypatch: pytest.MonkeyPatch) -> None:
    first = reef.predict()
    runs = [reef.predict(publish=False) for _ in range(4)]
    reef.db.autocommit = True
    assert clearing.clear_old(reef.db, reef.id, kept=2) == 2
    left = [row.id for row in reef.db.execute("select id from run order by id")]
    assert left == [first, *runs[2:]]
    assert {row.run_id for row in reef.db.execute("select distinct run_id from prediction")} == set(left)


def test_what_an_undo_comes_to_meanwhile_is_not_cleared(reef: Reef, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [reef.predict() for _ in range(4)]
    may_go = clearing._put_out_of_sight

    def taken_back_first(*asked: Any) -> bool:
        with connect(reef.settings.database_url) as db:
            assert outside.take_back(db, reef.project()) == runs[2]
        monkeypatch.setattr(clearing, "_put_out_of_sight", may_go)
        return may_go(*asked)

    monkeypatch.setattr(clearing, "_put_out_of_sight", taken_back_first)
    reef.db.rollback()
    reef.db.autocommit = True
    reef.db.execute("delete from run where id = %s", [runs[0]])
    assert clearing.clear_old(reef.db, reef.id, kept=0) == 0
    assert len(reef.rows(runs[1])) == N - N_LABELLED
    reef.db.autocommit = False
    assert outside.take_back(reef.db, reef.project()) == runs[1]


def test_who_takes_back_while_the_run_before_is_being_cleared_never_shows_half_of_it(
    reef: Reef, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = reef.predict(), reef.predict()
    reef.db.execute("update run set removed_at = now() where id = %s", [one])
    reef.db.commit()
    monkeypatch.setattr(clearing, "CLEARED_ROWS", 30)
    pieces_gone: list[int] = []

    def tell(n: int) -> None:
        pieces_gone.append(n)
        if len(pieces_gone) == 1:
            with connect(reef.settings.database_url) as db:
                assert two == db.execute("select current_run_id from project").fetchone()[0]
                assert outside.take_back(db, reef.project()) is None
                with pytest.raises(NotFound):
                    outside.show(db, reef.project(), one)

    with connect(reef.settings.database_url, autocommit=True) as db:
        clearing.clear_removed(db, reef.id, tell)
    assert pieces_gone == [30, 30, 20] and reef.shown() is None
    assert reef.run(one) is None and not reef.rows(one)
    reef.counts()


def test_two_clear_the_same_rows_at_once(reef: Reef, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = reef.predict(publish=False)
    monkeypatch.setattr(clearing, "CLEARED_ROWS", 7)

    def works(db: Db) -> object:
        db.rollback()
        db.autocommit = True
        return clearing.clear_rows(db, reef.id, run_id)

    at_once(reef.settings.database_url, [works, works])
    reef.db.rollback()
    assert not reef.rows(run_id)


def test_runs_of_others_are_never_cleared(reef: Reef) -> None:
    own = [predict(reef.made, {reef.ids[50]: "fiber"}) for _ in range(9)]
    reef.db.commit()
    reef.db.autocommit = True
    assert clearing.clear_old(reef.db, reef.id, kept=0) == 0
    assert reef.db.execute("select count(*) from run").fetchone()[0] == len(own)


def test_a_project_that_takes_no_predictions_when_the_run_is_ready_shows_none(reef: Reef) -> None:
    run_id, job_id = reef.start()
    reef.db.execute("update project set status = 'annotate_no_prediction'")
    reef.work(job_id)
    assert reef.run(run_id).completed_at is not None and reef.shown() is None
    assert "takes no predictions" in reef.logged(job_id)


class TestRefused:
    """What cannot be predicted is said before anything is queued."""

    def test_a_project_without_vectors(self, reef: Reef) -> None:
        reef.db.execute("delete from object_vector")
        self.refused(reef, "no vectors yet", Conflict)

    def test_a_classifier_of_another_embedder(self, reef: Reef) -> None:
        other = make_embedder(reef.db, 8, "tuned")
        reef.db.execute("update classifier set embedder_id = %s", [other])
        self.refused(reef, "reads vectors of tuned, and this project has those of test only", Conflict)

    def test_a_classifier_whose_embedder_is_gone(self, reef: Reef) -> None:
        reef.db.execute("update classifier set embedder_id = null")
        self.refused(reef, "embedder that is gone", Conflict)

    def test_one_that_is_not_trained(self, reef: Reef) -> None:
        reef.db.execute("update classifier set trained_at = null")
        self.refused(reef, "was not trained", Conflict)

    def test_one_made_elsewhere(self, reef: Reef) -> None:
        reef.db.execute("update classifier set method = 'outside'")
        self.refused(reef, "made elsewhere", Refused)

    def test_one_that_is_gone(self, reef: Reef) -> None:
        self.refused(reef, "no classifier", NotFound, classifier_id=10**6)

    def test_a_filter_that_means_nothing(self, reef: Reef) -> None:
        self.refused(reef, "cannot be obeyed", Refused, filter_query="f.nosuch=1..2")
        self.refused(reef, "copepods cannot be obeyed", Refused, filter_query="copepods")

    def test_where_all_is_validated(self, reef: Reef) -> None:
        self.refused(reef, "nothing to predict", Refused, filter_query="status=V")

    def test_a_project_that_takes_none(self, reef: Reef) -> None:
        reef.db.execute("update project set status = 'explore'")
        self.refused(reef, "takes no predictions", Conflict)

    def refused(self, reef: Reef, said: str, kind: type[Exception], **wish: object) -> None:
        reef.db.commit()
        with pytest.raises(kind, match=said):
            reef.start(**wish)
        reef.db.rollback()
        assert reef.db.execute("select (select count(*) from run) + (select count(*) from job)").fetchone()[0] == 0


class TestColumns:
    """Classifiers that read columns beside the vectors."""

    def columned(self, reef: Reef, name: str = "object.area") -> int:
        n = N_LABELLED
        fitted = learnt(
            reef.vectors[:n],
            [reef.made.taxa[name] for name in reef.truth[:n]],
            {name: np.where(np.arange(n) % 9 == 0, np.nan, np.arange(n) % 7)},
        )
        made = keep_classifier(reef.db, reef.settings, reef.id, reef.embedder_id, "With columns", fitted)
        reef.db.commit()
        return made

    def test_missing_and_infinite_values_are_predicted_all_the_same(self, reef: Reef) -> None:
        reef.db.execute("update object_field set numbers = array['Infinity'::float8] where object_id %% 3 = 0", [])
        run_id = reef.predict(classifier_id=self.columned(reef))
        rows = reef.rows(run_id)
        assert len(rows) == N - N_LABELLED and all(np.isfinite(row.score) for row in rows.values())

    def test_a_column_that_the_project_lacks_is_named(self, reef: Reef) -> None:
        run_id, job_id = reef.start(classifier_id=self.columned(reef, "object.circ"))
        with pytest.raises(Refused, match=r"object\.circ"):
            reef.work(job_id)
        assert reef.shown() is None and not reef.rows(run_id)
