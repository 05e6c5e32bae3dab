"""A manager sees burnt-in strips before and after on real images, and decides: on the page and by the API."""

import re
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from app.accounts.viewer import Account
from app.database import Db
from app.search import strips, strips_job
from app.search.crop_command import crop
from app.settings import Settings
from tests.search.test_crop import fill, job, pictures
from tests.small_projects import SmallProject
from tests.web_fixtures import Client, bearer, logged_in


@pytest.fixture
def project(db: Db, settings: Settings) -> SmallProject:
    """Forty images, a footer on every second one, and the strip proposed."""
    made = fill(db, settings, pictures(40)[0])
    strips_job.run(job(settings, made, db, "strips"))
    return made


@pytest.fixture
def manager(make_account: Callable[..., Account], make_member: Callable[..., None], project: SmallProject) -> Account:
    account = make_account()
    make_member(project.id, account, "manager")
    return account


@pytest.fixture
def browser(app_client: Client, manager: Account) -> Client:
    return logged_in(app_client, manager)


def state(db: Db, project: SmallProject) -> list[tuple[str, int]]:
    db.commit()
    return [(strip.state, strip.size_px) for strip in strips.read_all(db, project.id)]


def waiting(db: Db, project: SmallProject) -> list[str]:
    db.commit()
    rows = db.execute(
        "select title from job where project_id = %s and status = 'queued' and title <> 'strips' order by id",
        [project.id],
    )
    return [row.title for row in rows]


def strip_id(db: Db, project: SmallProject) -> int:
    return strips.read_all(db, project.id)[0].id


def test_the_page_shows_a_dozen_images_before_and_after(browser: Client, project: SmallProject) -> None:
    text = browser.get(f"/projects/{project.id}/crop").text

    assert "The same strip of 31 px at the foot of 50 % of the images" in text
    assert "On 20 of 40 images looked at; so on about 20 of 40" in text
    assert text.count('aria-label="Before"') == 12
    assert text.count('aria-label="After"') == 9
    assert text.count("without it: stays as it is") == 3
    image = re.search(rf'href="(/projects/{project.id}/images/[^"]+)"', text)
    assert image and browser.get(image[1]).headers["content-type"] == "image/png"


def test_another_size_is_shown_before_it_is_decided(browser: Client, db: Db, project: SmallProject) -> None:
    text = browser.get(f"/projects/{project.id}/crop?strip={strip_id(db, project)}&size_px=44").text

    assert 'value="44"' in text
    assert 'height="44" vector-effect' in text
    assert state(db, project) == [("proposed", 31)]


def test_what_is_accepted_is_cut_off_and_computed(browser: Client, db: Db, project: SmallProject) -> None:
    address = f"/projects/{project.id}/crop/{strip_id(db, project)}"

    answer = browser.post(address, data={"state": "accepted", "size_px": "33", "strip": "1"})

    assert answer.status_code == 303
    assert state(db, project) == [("accepted", 33)]
    assert waiting(db, project) == [strips.EMBED_TITLE]
    assert "cut off" in browser.get(f"/projects/{project.id}/crop").text


def test_what_is_refused_stays_in_and_is_told_no_more(browser: Client, db: Db, project: SmallProject) -> None:
    notice = f"/projects/{project.id}/crop/notice"
    before = browser.get(notice).text

    browser.post(f"/projects/{project.id}/crop/{strip_id(db, project)}", data={"state": "refused", "size_px": "31"})

    assert "The same strip of 31 px at the foot of 50 % of the images: it would become the likeness" in before
    assert browser.get(notice).text.strip() == ""
    assert state(db, project) == [("refused", 31)]
    assert waiting(db, project) == []
    assert "Cut it off after all" in browser.get(f"/projects/{project.id}/crop").text


def test_a_found_strip_that_is_cut_no_more_stays_known_as_left_in(
    browser: Client, db: Db, project: SmallProject
) -> None:
    page, one = f"/projects/{project.id}/crop", strip_id(db, project)
    browser.post(f"{page}/{one}", data={"state": "accepted", "size_px": "33"})
    button = re.search(r'name="state" value="(\w+)">Stop cutting it off', browser.get(page).text)
    browser.post(f"{page}/{one}", data={"state": button[1], "size_px": "33"})

    text = browser.get(page).text
    assert state(db, project) == [("refused", 33)]
    assert "Cut it off after all" in text
    assert "No strip is known" not in text


def test_a_strip_can_be_named_shown_and_removed(browser: Client, db: Db, project: SmallProject) -> None:
    shown = browser.get(f"/projects/{project.id}/crop?side=top&size_px=10").text
    browser.post(f"/projects/{project.id}/crop", data={"side": "top", "size_px": "10"})
    named = next(strip for strip in strips.read_all(db, project.id) if strip.side == "top")
    text = browser.get(f"/projects/{project.id}/crop").text
    browser.post(f"/projects/{project.id}/crop/{named.id}", data={"state": "removed", "size_px": "10"})

    assert "Cut it off all images" in shown
    assert "A strip of 10 px at the top of all images" in text
    assert state(db, project) == [("proposed", 31)]


@pytest.mark.parametrize("size", ["", "0", "-3", "many", "99999"])
def test_a_senseless_size_is_told_and_nothing_is_saved(
    browser: Client, db: Db, project: SmallProject, size: str
) -> None:
    answer = browser.post(f"/projects/{project.id}/crop", data={"side": "top", "size_px": size})

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert state(db, project) == [("proposed", 31)]
    assert browser.get(f"/projects/{project.id}/crop?side=top&size_px={size}").status_code == 200


def test_a_project_without_strips_says_what_is_done(
    browser: Client, db: Db, settings: Settings, manager: Account, make_member: Callable[..., None]
) -> None:
    empty = fill(db, settings, [], "Empty")
    make_member(empty.id, manager, "manager")

    assert "No strip is known" in browser.get(f"/projects/{empty.id}/crop").text


def test_programs_list_decide_define_and_forget(
    app_client: Client, db: Db, database_url: str, manager: Account, project: SmallProject
) -> None:
    headers, root = bearer(database_url, manager), f"/api/v1/projects/{project.id}/strips"

    (listed,) = app_client.get(root, headers=headers).json()
    accepted = app_client.put(f"{root}/{listed['id']}", json={"state": "accepted", "size_px": 30}, headers=headers)
    defined = app_client.post(root, json={"side": "left", "size_px": 5}, headers=headers)
    looked = app_client.post(f"{root}/look", headers=headers)
    gone = app_client.delete(f"{root}/{listed['id']}", headers=headers)

    assert (listed["side"], listed["size_px"], listed["state"], listed["n_looked"]) == ("bottom", 31, "proposed", 40)
    assert accepted.json()["job_id"] and defined.json()["job_id"] and looked.json()["job_id"]
    assert gone.status_code == 202
    assert state(db, project) == [("accepted", 5)]


def test_the_terminal_looks_and_decides(
    db: Db, settings: Settings, project: SmallProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("SHOAL_HOME", str(settings.home))
    db.execute("update project set embedder_id = null")
    db.commit()

    listed = CliRunner().invoke(crop, [str(project.id), "--list"])
    refused = CliRunner().invoke(crop, [str(project.id), "--refuse", str(strip_id(db, project))])
    wrong = CliRunner().invoke(crop, [str(project.id), "--side", "top"])

    assert "proposed\t31 px at the bottom\ton 50% of 40 images looked at" in listed.output, listed.output
    assert "refused\t31 px" in refused.output
    assert "--size" in str(wrong.exception)
