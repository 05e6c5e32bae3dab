"""`shoal import`, as a person calls it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.errors import Refused
from app.exchange.command import import_command
from app.exchange.mapping import read_mapping
from app.exchange.report import ImportOptions
from app.jobs.process import machine
from app.jobs.queue import enqueue
from app.labels.history import recent_acts
from tests.exchange.conftest import Workplace, picture

Bundle = Callable[..., Path]
LABELLED = "object_id img_file_name object_annotation_category object_annotation_status"


@pytest.fixture
def call(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs the command on the test's database and store, where Ada is an application manager."""
    workplace.db.execute("update account set is_application_manager = true where id = %s", [workplace.account_id])
    monkeypatch.setenv("DATABASE_URL", workplace.settings.database_url)
    monkeypatch.setenv("SHOAL_HOME", str(workplace.settings.home))

    def run(*arguments: object) -> Result:
        workplace.db.commit()
        return CliRunner().invoke(import_command, [str(argument) for argument in arguments])

    return run


def test_a_bundle_comes_in_as_a_job(call: Callable[..., Result], workplace: Workplace, bundle: Bundle) -> None:
    folder = bundle("object_id img_file_name", "tt", "o1|a.png", "o2|b.png")

    result = call(folder, "--project", "test")

    assert result.exit_code == 0, result.output
    assert "Added 2 objects with 2 images from 2 rows." in result.output
    assert len(workplace.objects()) == 2
    jobs = workplace.rows("select kind, title, status from job order by id")
    assert jobs == [
        ("import", "Import bundle into Test", "done"),
        ("strips", "Look for burnt-in strips", "queued"),
        ("embed", "Embed new images", "queued"),
    ]


def test_it_says_that_all_was_there(call: Callable[..., Result], bundle: Bundle) -> None:
    folder = bundle("object_id img_file_name", "tt", "o1|a.png")
    call(folder, "--project", "test")

    result = call(folder, "--project", "test")

    assert (result.exit_code, "Nothing was added" in result.output) == (0, True)


def test_a_refused_bundle_ends_with_one(call: Callable[..., Result], workplace: Workplace, bundle: Bundle) -> None:
    result = call(bundle("object_id img_file_name", "tt", "o1|gone.png"), "--project", "test")

    assert "ecotaxa_t.tsv, line 3: Image 'gone.png' cannot be read" in result.output
    assert result.exit_code == 1
    assert result.output.count("gone.png") == 1
    assert "Refused: 1 fault. Nothing was added. Correct it and import again." in result.output
    assert workplace.objects() == []


def test_it_asks_and_goes_on_with_a_mapping(
    call: Callable[..., Result], workplace: Workplace, bundle: Bundle, tmp_path: Path
) -> None:
    folder = bundle(LABELLED, "tttt", "o1|a.png|Fish|validated")
    workplace.add_taxa((10, None, "Pisces", "Pisces"))
    (tmp_path / "answers.tsv").write_text("taxon\tfish\tPisces\n")

    asked = call(folder, "--project", "test")
    done = call(folder, "--project", "test", "--mapping", tmp_path / "answers.tsv")

    assert (asked.exit_code, "unknown taxon: Fish" in asked.output) == (3, True)
    assert done.exit_code == 0, done.output
    assert workplace.objects()[0].taxon_id == 10
    assert [act.what for act in recent_acts(workplace.db, workplace.project_id)] == [f"took in from {folder.name}"]


def test_a_dry_run_leaves_nothing(call: Callable[..., Result], workplace: Workplace, bundle: Bundle) -> None:
    result = call(bundle("object_id img_file_name", "tt", "o1|a.png"), "--project", "test", "--dry-run")

    assert (result.exit_code, "Would add 1 object with 1 image from 1 row" in result.output) == (0, True)
    assert workplace.values("select count(*) from job") == [0]


def test_a_project_is_made_where_that_is_asked_for(
    call: Callable[..., Result], workplace: Workplace, tmp_path: Path
) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(picture())

    absent = call(tmp_path / "pictures", "--project", "New", "--as", "ada@example.org")
    made = call(tmp_path / "pictures", "--project", "New", "--as", "ada@example.org", "--create")

    assert isinstance(absent.exception, Refused)
    assert made.exit_code == 0, made.output
    assert workplace.rows(
        "select title, count(*)::int from project join object on project_id = project.id group by title"
    ) == [("New", 1)]


def test_who_is_no_application_manager_makes_no_project(
    call: Callable[..., Result], workplace: Workplace, tmp_path: Path
) -> None:
    workplace.db.execute("insert into account (email, name) values ('ann@example.org', 'Ann')")
    (tmp_path / "a.png").write_bytes(picture())

    for more in ([], ["--dry-run"]):
        refused = call(tmp_path, "--project", "New", "--as", "ann@example.org", "--create", *more)
        assert isinstance(refused.exception, Refused)
        assert "ann@example.org may not create projects" in refused.exception.sentence
    assert workplace.values("select title from project where title = 'New'") == []


def test_a_new_project_gets_the_embedder_that_is_named_and_one_that_is_there_keeps_its_own(
    call: Callable[..., Result], workplace: Workplace, tmp_path: Path
) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(picture())
    new = tmp_path / "pictures", "--project", "New", "--as", "ada@example.org"

    unknown = call(*new, "--create", "--embedder", "nope")
    assert isinstance(unknown.exception, Refused) and "no embedder 'nope'" in unknown.exception.sentence
    assert workplace.values("select count(*) from project where title = 'New'") == [0]
    assert "goes with --create" in call(*new, "--embedder", "lite0-128").exception.sentence
    assert call(*new, "--create", "--embedder", "lite0-128").exit_code == 0
    name = "select embedder.name from project join embedder on embedder.id = embedder_id where title = 'New'"
    assert workplace.values(name) == ["lite0-128"]
    assert "is there" in call(*new, "--create", "--embedder", "lite0-128-rot4").exception.sentence


def test_a_dry_run_into_a_new_project_makes_none(
    call: Callable[..., Result], workplace: Workplace, bundle: Bundle
) -> None:
    folder = bundle(LABELLED, "tttt", "o1|a.png|Fish|validated")

    result = call(folder, "--project", "New", "--as", "ada@example.org", "--create", "--dry-run")

    assert (result.exit_code, "Would add 1 object" in result.output) == (3, True), result.output
    assert workplace.values("select title from project where title = 'New'") == []


def test_an_unknown_project_is_told_with_the_newest_and_how_to_make_it(
    call: Callable[..., Result], workplace: Workplace, bundle: Bundle
) -> None:
    workplace.db.execute("insert into project (title) select 'P' || n from generate_series(1, 30) n")

    result = call(bundle("object_id img_file_name", "tt", "o1|a.png"), "--project", "nope")

    assert isinstance(result.exception, Refused)
    assert "P30; " in result.exception.sentence
    assert "; and 11 more. With --create it is made." in result.exception.sentence


def test_a_refused_import_takes_the_project_that_it_made_away_again(
    call: Callable[..., Result], workplace: Workplace, bundle: Bundle, tmp_path: Path
) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"a picture")
    new = "--project", "New", "--as", "ada@example.org", "--create"

    for source in (bundle("object_id img_file_name", "tt", "o1|gone.png"), tmp_path / "photo.jpg"):
        assert "is gone again" in call(source, *new).output
        assert workplace.values("select title from project where title = 'New'") == []


def test_a_project_that_was_there_before_stays_after_a_refusal(
    call: Callable[..., Result], workplace: Workplace, bundle: Bundle
) -> None:
    workplace.db.execute(
        "with made as (insert into project (title) values ('Empty') returning id)"
        " insert into member (project_id, account_id, role) select id, %s, 'manager' from made",
        [workplace.account_id],
    )
    call(
        bundle("object_id img_file_name", "tt", "o1|gone.png"),
        "--project",
        "Empty",
        "--create",
        "--as",
        "ada@example.org",
    )
    assert workplace.values("select title from project where title = 'Empty'") == ["Empty"]


def test_what_it_asks_can_be_filled_in_and_given_back(
    call: Callable[..., Result], workplace: Workplace, bundle: Bundle, tmp_path: Path
) -> None:
    folder = bundle(LABELLED, "tttt", "o1|a.png|Fish|validated", "o2|b.png|Éuk|validated")
    new = "--project", "New", "--as", "ada@example.org", "--create"
    workplace.add_taxa((10, None, "Pisces", "Pisces"))

    asked = call(folder, *new).output
    example = asked[asked.index("{") : asked.rindex("}") + 1]
    (tmp_path / "answers.json").write_text(example)
    unanswered = call(folder, *new, "--mapping", tmp_path / "answers.json")
    (tmp_path / "answers.json").write_text(example.replace('": ""', '": "Pisces"'))
    done = call(folder, *new, "--mapping", tmp_path / "answers.json")

    assert json.loads(example) == {"taxa": {"Fish": "", "Éuk": ""}}
    assert unanswered.exit_code == 3
    assert (done.exit_code, "Added 2 objects" in done.output) == (0, True), done.output


def test_an_import_that_was_killed_is_taken_up_instead_of_queued_beside_itself(
    call: Callable[..., Result], workplace: Workplace, bundle: Bundle
) -> None:
    folder = bundle("object_id img_file_name", "tt", "o1|a.png")
    args = {"source": str(folder.absolute()), "options": ImportOptions().as_json()}
    job_id = enqueue(workplace.db, "import", "Import", workplace.project_id, workplace.account_id, args)
    dead = f"{machine()} 999999999 1"
    workplace.db.execute(
        "update job set status = 'running', attempts = 1, seen_at = now(), worker = %s where id = %s", [dead, job_id]
    )

    result = call(folder, "--project", "test")

    assert result.exit_code == 0, result.output
    assert workplace.rows("select id, status from job where kind = 'import'") == [(job_id, "done")]


@pytest.mark.parametrize("text", ["{", '{"taxa": [1]}', '{"fish": {}}', "fish\tPisces\n", "taxon\tfish\n"])
def test_a_mapping_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "mapping").write_text(text)

    with pytest.raises(Refused, match="Write JSON"):
        read_mapping(tmp_path / "mapping")


def test_a_mapping_is_json_or_a_table(tmp_path: Path) -> None:
    expected = {"taxa": {"fish": "10"}, "users": {"Grace": "g@x.org"}}
    (tmp_path / "json").write_text(json.dumps(expected))
    (tmp_path / "table").write_text("taxon\tfish\t10\nuser\tGrace\tg@x.org\n")

    assert read_mapping(tmp_path / "json") == read_mapping(tmp_path / "table") == expected


def test_who_is_named_for_an_import_needs_the_right_to_it(
    call: Callable[..., Result], workplace: Workplace, bundle: Bundle
) -> None:
    workplace.db.execute("insert into account (email, name) values ('bob@example.org', 'Bob')")

    result = call(bundle("object_id img_file_name", "tt", "o1|a.png"), "--project", "test", "--as", "bob@example.org")

    assert isinstance(result.exception, Refused)
    assert "bob@example.org may not import into this project: that needs the role manager" in result.exception.sentence
    assert workplace.objects() == []
