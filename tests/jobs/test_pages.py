"""People see the jobs of the projects that they may see, and steer those that are theirs to steer."""

import time
from collections.abc import Callable

import pytest

from app.database import Db
from app.jobs.queue import cancel, enqueue
from app.jobs.words import rate_text, time_span
from tests.web_fixtures import Client, bearer, logged_in


def put(db: Db, project_id: int | None = None, account_id: int | None = None, title: str = "Embed") -> int:
    job_id = enqueue(db, "embed", title, project_id, account_id, {"title": title})
    db.commit()
    return job_id


def run_for_show(db: Db, job_id: int) -> None:
    db.execute(
        "update job set status = 'running', started_at = now(), seen_at = now(), done = 250, total = 1000, "
        "unit = 'images', rate = 25 where id = %s",
        [job_id],
    )
    db.commit()


def test_a_running_job_shows_progress_rate_and_time_left(
    app_client: Client, db: Db, make_account, make_project
) -> None:
    ada = make_account()
    job_id = put(db, make_project("Sea", manager=ada), title="Embed the sea")
    run_for_show(db, job_id)
    page = logged_in(app_client, ada).get("/jobs").text
    for said in (
        "Embed the sea",
        "running",
        'value="250"',
        "25 images a second",
        "30 s left",
        f"/jobs/{job_id}/cancel",
    ):
        assert said in page
    assert "25 % · 30 s left" in " ".join(app_client.get("/jobs/bar").text.split())


def test_a_jobs_part_replaces_itself_until_the_job_ends(app_client: Client, db: Db, make_account, make_project) -> None:
    ada = make_account()
    job_id = put(db, make_project("Sea", manager=ada))
    part = {"hx-request": "true", "hx-request-type": "partial"}
    running = logged_in(app_client, ada).get(f"/jobs/{job_id}", headers=part).text
    assert running.lstrip().startswith('<div id="job" hx-get') and "<html" not in running
    cancel(db, job_id)
    db.execute("insert into job_log (job_id, line) values (%s, '<b>line</b>')", [job_id])
    db.commit()
    ended = app_client.get(f"/jobs/{job_id}", headers=part).text
    assert "hx-get" not in ended
    assert "&lt;b&gt;line&lt;/b&gt;" in ended
    assert "<html" in app_client.get(f"/jobs/{job_id}").text


def test_the_bar_is_quiet_when_nothing_runs(app_client: Client, make_account) -> None:
    bar = logged_in(app_client, make_account()).get("/jobs/bar").text
    assert "delay:15s" in bar
    assert "<a" not in bar


def test_jobs_of_hidden_projects_do_not_exist(
    app_client: Client, db: Db, database_url: str, make_account, make_project
) -> None:
    ada, eve = make_account(), make_account()
    job_id = put(db, make_project("Hidden", manager=ada), title="Embed what is hidden")
    logged_in(app_client, eve)
    assert "what is hidden" not in app_client.get("/jobs").text
    assert "what is hidden" not in app_client.get("/jobs/bar").text
    assert app_client.get(f"/jobs/{job_id}").status_code == 404
    assert app_client.post(f"/jobs/{job_id}/cancel").status_code == 404
    headers = bearer(database_url, eve)
    assert app_client.get("/api/v1/jobs", headers=headers).json() == []
    for path in ("", "/log"):
        assert app_client.get(f"/api/v1/jobs/{job_id}{path}", headers=headers).status_code == 404


def test_jobs_of_an_open_project_are_for_its_members(
    app_client: Client, db: Db, make_account, make_project, make_member
) -> None:
    project_id, eve = make_project("Open", visibility="everyone"), make_account()
    job_id = put(db, project_id, title="Import secret-cruise.zip")
    logged_in(app_client, eve)
    assert "secret-cruise" not in app_client.get("/jobs").text
    assert app_client.get(f"/jobs/{job_id}").status_code == 404
    make_member(project_id, eve, "visitor")
    assert "secret-cruise" in app_client.get("/jobs").text
    assert app_client.get(f"/jobs/{job_id}").status_code == 200


def test_nobody_sees_jobs_without_an_account(app_client: Client, db: Db, make_project) -> None:
    job_id = put(db, make_project("Open", visibility="everyone"))
    for path in ("/jobs", "/jobs/bar", f"/jobs/{job_id}"):
        assert app_client.get(path).status_code == 303
    assert app_client.get("/api/v1/jobs").status_code == 401


@pytest.mark.parametrize(("role", "status"), [("visitor", 403), ("annotator", 403), ("manager", 303)])
def test_managers_cancel(
    app_client: Client, db: Db, make_account, make_project, make_member: Callable, role: str, status: int
) -> None:
    person, project_id = make_account(), make_project("Sea")
    make_member(project_id, person, role)
    job_id = put(db, project_id)
    assert logged_in(app_client, person).post(f"/jobs/{job_id}/cancel").status_code == status
    ended = db.execute("select status from job where id = %s", [job_id]).fetchone().status
    assert ended == ("cancelled" if status == 303 else "queued")
    assert (f"/jobs/{job_id}/" in app_client.get("/jobs").text) == (role == "manager")


def test_who_began_a_job_retries_it(app_client: Client, db: Db, make_account, make_project, make_member) -> None:
    person, project_id = make_account(), make_project("Sea")
    make_member(project_id, person, "annotator")
    job_id = put(db, project_id, person.id)
    logged_in(app_client, person).post(f"/jobs/{job_id}/cancel")
    answer = app_client.post(f"/jobs/{job_id}/retry")
    assert answer.status_code == 303
    again = db.execute("select * from job where id <> %s", [job_id]).fetchone()
    assert answer.headers["location"] == f"/jobs/{again.id}"
    assert (again.status, again.account_id) == ("queued", person.id)


def test_programs_see_and_steer_jobs(app_client: Client, db: Db, database_url: str, make_account, make_project) -> None:
    ada = make_account()
    job_id = put(db, make_project("Sea", manager=ada))
    run_for_show(db, job_id)
    headers = bearer(database_url, ada)
    job = app_client.get(f"/api/v1/jobs/{job_id}", headers=headers).json()
    assert (job["status"], job["done"], job["rate_per_second"], job["seconds_left"]) == ("running", 250, 25, 30)
    assert [job["id"] for job in app_client.get("/api/v1/jobs?status=running", headers=headers).json()] == [job_id]
    assert app_client.get("/api/v1/jobs?status=failed", headers=headers).json() == []
    assert app_client.get(f"/api/v1/jobs/{job_id}/log", headers=headers).json() == []
    assert app_client.post(f"/api/v1/jobs/{job_id}/cancel", headers=headers).json()["status"] == "running"
    refused = app_client.post(f"/api/v1/jobs/{job_id}/retry", headers=headers)
    assert refused.status_code == 409
    assert "failed or was cancelled" in refused.json()["detail"]
    read_only = app_client.post(f"/api/v1/jobs/{job_id}/cancel", headers=bearer(database_url, ada, "read"))
    assert read_only.status_code == 403


def test_ended_jobs_are_turned_page_by_page(app_client: Client, db: Db, make_account) -> None:
    ada = make_account()
    db.execute(
        "insert into job (kind, title, account_id, status, ended_at) "
        "select 'embed', 'Job ' || n, %s, case n %% 2 when 0 then 'done' else 'failed' end, now() "
        "from generate_series(1, 120) n",
        [ada.id],
    )
    db.commit()
    logged_in(app_client, ada)
    first = app_client.get("/jobs?status=failed").text
    assert (
        "Job 119<" in first
        and "Job 118<" not in first
        and "/jobs?status=failed&before=21" in first.replace("&amp;", "&")
    )
    last = app_client.get("/jobs?status=failed&before=21").text
    assert "Job 19<" in last and "Older jobs" not in last


def test_the_list_is_narrowed_by_state_kind_and_project(
    app_client: Client, db: Db, database_url: str, make_account, make_project
) -> None:
    ada = make_account()
    sea, lake = make_project("Sea", manager=ada), make_project("Lake", manager=ada)
    put(db, sea, title="Embed the sea")
    put(db, lake, title="Embed the lake")
    db.execute("update job set kind = 'index', status = 'done', ended_at = now() where project_id = %s", [lake])
    db.commit()
    logged_in(app_client, ada)

    def shown(query: str) -> set[str]:
        page = app_client.get(f"/jobs?{query}").text
        return {title for title in ("the sea", "the lake") if title in page}

    assert shown("status=&kind=&project_id=") == {"the sea", "the lake"}
    assert shown(f"project_id={sea}") == {"the sea"} and shown(f"project_id={lake}") == {"the lake"}
    assert shown("kind=index") == {"the lake"} and shown("kind=nothing") == set()
    assert shown("status=queued") == {"the sea"} and shown("status=done") == {"the lake"}
    assert shown(f"status=done&project_id={sea}") == set()
    headers = bearer(database_url, ada)
    jobs = app_client.get(f"/api/v1/jobs?project_id={lake}&kind=index", headers=headers).json()
    assert [job["title"] for job in jobs] == ["Embed the lake"]


def test_projects_that_are_not_shared_are_not_offered(app_client: Client, db: Db, make_account, make_project) -> None:
    put(db, make_project("Hidden bay", manager=make_account()))
    page = logged_in(app_client, make_account()).get("/jobs").text
    assert "Hidden bay" not in page


def test_a_hundred_thousand_jobs_are_listed_at_once(app_client: Client, db: Db, make_account, make_project) -> None:
    ada = make_account()
    project_id = make_project("Sea", manager=ada)
    db.execute(
        "insert into job (kind, title, project_id, account_id, status, ended_at) "
        "select 'embed', 'Job ' || n, %s, %s, 'done', now() from generate_series(1, 100000) n",
        [project_id, ada.id],
    )
    db.execute("analyze job")
    db.commit()
    logged_in(app_client, ada)
    for query in ("", f"?project_id={project_id}", "?status=done&before=50000", "?kind=import", "?status=failed"):
        app_client.get(f"/jobs{query}")
        began = time.perf_counter()
        assert app_client.get(f"/jobs{query}").status_code == 200
        assert time.perf_counter() - began < 0.5, query


def test_times_and_rates_are_said_as_people_say_them() -> None:
    assert [time_span(s) for s in (4, 75, 3_000, 12_000, 100_000)] == [
        "4 s", "1 min 15 s", "50 min", "3 h 20 min", "1 day 3 h",
    ]  # fmt: skip
    assert rate_text(1234.4, "images") == "1\u202f234 images a second"
    assert rate_text(2.34, "images") == "2.3 images a second"
    assert rate_text(0.5, "") == "30 a minute"


def test_what_waits_says_behind_what_and_how_long(app_client: Client, db: Db, make_account, make_project) -> None:
    ada, eve = make_account(), make_account("eve@example.org")
    sea = make_project("Sea", manager=ada)
    first = put(db, make_project("Lake", manager=eve), title="Train the embedder of the lake")
    put(db, sea, title="Embed the sea")
    waits = enqueue(db, "predict", "Predict the sea", sea, None, {"run_id": 0})
    db.commit()
    run_for_show(db, first)

    def told(account: object) -> str:
        page = logged_in(app_client, account).get(f"/projects/{sea}/predictions/progress").text
        return " ".join(page.split())

    assert "Predict the sea waits for its turn, behind a job that is not yours to see (30 s left) and 1 more" in told(
        ada
    )
    db.execute("update job set rate = null where id = %s", [first])
    db.execute("insert into member (project_id, account_id, role) values (%s, %s, 'manager')", [sea, eve.id])
    db.commit()
    assert "behind Train the embedder of the lake (how long that takes is not known yet) and 1 more" in told(eve)
    db.execute("update job set status = 'done' where id <> %s", [waits])
    db.commit()
    assert "waits for its turn. You" in told(eve)
