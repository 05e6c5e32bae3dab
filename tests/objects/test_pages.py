"""The board and its parts through HTTP: what is shown, to whom, and that no address breaks it."""

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image

from app.accounts.viewer import Account
from app.database import connect
from app.objects.store import open_store
from app.settings import Settings
from tests.small_projects import Person, SmallProject, make_project, predict
from tests.web_fixtures import Client, bearer, logged_in


@pytest.fixture
def account(make_account: Callable[..., Account]) -> Account:
    return make_account("ada@example.org")


@pytest.fixture
def project_id(database_url: str, account: Account, make_member: Callable[[int, Account, str], None]) -> int:
    """30 objects, of which the first three are validated as Oithona similis."""
    with connect(database_url) as db:
        small = make_project(db, 30)
        small.do(Person(account.id, account.name), small.ids[:3], taxon="Oithona similis")
    make_member(small.id, account, "annotator")
    return small.id


@pytest.fixture
def client(app_client: Client, account: Account) -> Client:
    return logged_in(app_client, account)


def ids_of(database_url: str, project_id: int) -> list[int]:
    with connect(database_url) as db:
        return [row.id for row in db.execute("select id from object where project_id = %s order by id", [project_id])]


def test_the_board_shows_tree_tiles_and_counts(client: Client, project_id: int) -> None:
    page = client.get(f"/projects/{project_id}")
    assert page.status_code == 200
    assert page.text.count('class="tile"') == 30
    assert "Oithona similis" in page.text


def test_the_next_section_goes_on_where_the_last_one_ended(client: Client, project_id: int) -> None:
    first = client.get(f"/projects/{project_id}/tiles?limit=20")
    next_url = first.text.split('data-next="')[1].split('"')[0].replace("&amp;", "&")
    second = client.get(next_url)
    assert first.text.count('class="tile"') == 20
    assert second.text.count('class="tile"') == 10
    assert 'data-next=""' in second.text


@pytest.mark.parametrize(
    "query",
    [
        "taxon=7", "taxon=x", "taxon=-1", "taxon=99999999999999999999", "taxon=", "status=Q", "status=", "sample=0",
        "sample=99999999999999999999", "who=1e9", "who=999", "f.=1..2", "f.area=a..b", "f.area=..", "f.area=5..1",
        "f.area=nan..inf", "f.area=~x", "f.note=1..2", "f.note=~%25%5F", "f.sample.station==st1", "f.nothing=1..2",
        "f.object.area=1..2", "order=f.nothing", "order=", "order=like", "order=like&examples=x,,-1", "dir=up",
        "children=0", "children=x&taxon=0", "f.%00=~%00", "f.note=~%00", "unknown=1", "order=score&dir=desc",
        "f.note=~", "f.area==3", "order=f.sample.orig_id", "order=f.date&dir=desc",
    ],
)  # fmt: skip
def test_no_address_breaks_the_board(client: Client, project_id: int, query: str) -> None:
    for part in ("", "/tiles", "/tree"):
        assert client.get(f"/projects/{project_id}{part}?{query}").status_code == 200, part


def test_what_a_filter_cannot_mean_stays_as_an_invalid_chip(client: Client, project_id: int) -> None:
    page = client.get(f"/projects/{project_id}?f.nothing=1..2&status=V").text
    assert page.count('class="chip invalid"') == 1
    assert "This project has no such column" in page
    assert page.count('class="tile"') == 3


def test_a_chip_is_removed_by_an_address_that_keeps_the_rest(client: Client, project_id: int) -> None:
    page = client.get(f"/projects/{project_id}?status=V&f.area=1..5&order=f.area&dir=desc").text
    assert f'href="/projects/{project_id}?f.area=1..5&amp;order=f.area&amp;dir=desc"' in page
    assert f'href="/projects/{project_id}?status=V&amp;order=f.area&amp;dir=desc"' in page


def test_an_outsider_finds_no_project(
    app_client: Client, project_id: int, make_account: Callable[..., Account]
) -> None:
    outsider = logged_in(app_client, make_account("out@example.org"))
    for part in ("", "/tiles", "/tree", "/objects/1", "/thumbnails/00", "/images/00", "/acts"):
        assert outsider.get(f"/projects/{project_id}{part}").status_code == 404


def test_anonymous_people_see_validated_objects_only(app_client: Client, database_url: str, project_id: int) -> None:
    with connect(database_url) as db:
        db.execute("update project set visibility = 'everyone' where id = %s", [project_id])
        db.execute("insert into sample (id, project_id, orig_id) values (-1, %s, 'kept back')", [project_id])
    ids = ids_of(database_url, project_id)
    page = app_client.get(f"/projects/{project_id}?status=U&status=V&status=P")
    assert page.text.count('class="tile"') == 3
    samples = app_client.get(f"/projects/{project_id}/choices?of=sample").text
    assert '"sample0"' in samples and "kept back" not in samples
    assert app_client.get(f"/projects/{project_id}/objects/{ids[0]}").status_code == 200
    assert app_client.get(f"/projects/{project_id}/objects/{ids[5]}").status_code == 404
    listed = app_client.get(f"/api/v1/projects/{project_id}/objects").json()
    assert [row["id"] for row in listed["objects"]] == ids[:3]
    streamed = app_client.post(f"/api/v1/projects/{project_id}/objects/query", json={})
    assert len(streamed.text.splitlines()) == 3


def test_anonymous_people_learn_nobodys_name(
    app_client: Client, database_url: str, account: Account, project_id: int
) -> None:
    with connect(database_url) as db:
        db.execute("update project set visibility = 'everyone' where id = %s", [project_id])
        db.execute("update account set name = 'Ada Lovelace' where id = %s", [account.id])
    path = f"/projects/{project_id}/objects/{ids_of(database_url, project_id)[0]}"
    headers = bearer(database_url, account)
    assert app_client.post(f"/api/v1{path}/comments", json={"text": "odd eyes"}, headers=headers).status_code == 201
    told = app_client.get(f"/api/v1{path}", headers=headers).text
    assert "Lovelace" in told and "odd eyes" in told
    for address in (path, f"/api/v1{path}", f"/projects/{project_id}", f"/projects/{project_id}?who={account.id}"):
        answer = app_client.get(address)
        assert answer.status_code == 200, address
        assert "Lovelace" not in answer.text and "odd eyes" not in answer.text, address
    label = app_client.get(f"/api/v1{path}").json()["label"]
    assert (label["by"], label["at"], label["provenance"]) == (None, None, None)
    listed = app_client.get(f"/api/v1/projects/{project_id}/objects").json()["objects"]
    assert {row["n_comments"] for row in listed} == {0}


def test_an_objects_page_shows_images_fields_history_and_comments(
    client: Client, database_url: str, project_id: int
) -> None:
    object_id = ids_of(database_url, project_id)[0]
    url = f"/projects/{project_id}/objects/{object_id}"
    said = client.post(f"{url}/comments", data={"text": "<script>odd</script>"})
    assert said.status_code == 303
    page = client.get(url).text
    for words in ("Oithona similis", "area", "station", "st0", "sample0", "ada", "&lt;script&gt;odd", "/images/"):
        assert words in page
    assert client.post(f"{url}/comments", data={"text": " "}).status_code == 400
    assert client.get(f"/projects/{project_id}/objects/999999").status_code == 404
    assert client.get(f"/projects/{project_id}/objects/{2**63}").status_code == 404


def test_a_project_that_can_only_be_explored_takes_no_comments_and_no_classes(
    client: Client, database_url: str, project_id: int
) -> None:
    object_id = ids_of(database_url, project_id)[0]
    with connect(database_url) as db:
        db.execute("update project set status = 'explore' where id = %s", [project_id])
    said = client.post(f"/projects/{project_id}/objects/{object_id}/comments", data={"text": "odd"})
    made = client.post("/taxa", json={"name": "leg", "project_id": project_id})
    assert [answer.status_code for answer in (said, made)] == [403, 403]
    with connect(database_url) as db:
        assert not db.execute("select from comment").fetchall()
        assert not db.execute("select from taxon where name = 'leg'").fetchall()


def put_image(settings: Settings, database_url: str, project_id: int, image: Image.Image, format: str) -> str:
    """Store an image as the project's first object's, as an import would; its hash."""
    from hashlib import sha256

    file = BytesIO()
    image.save(file, format)
    data = file.getvalue()
    digest = sha256(data).digest()
    store = open_store(settings)
    writer = store.pack_writer()
    ref = writer.add(data)
    writer.finish()
    with connect(database_url) as db:
        db.execute(
            "insert into content values (%s, %s, %s, %s, %s, %s, %s, %s)",
            [digest, len(data), format, image.mode, image.width, image.height, ref, ref],
        )
        db.execute(
            "update image set hash = %s where object_id = (select min(id) from object where project_id = %s)",
            [digest, project_id],
        )
    return digest.hex()


def test_a_thumbnail_is_kept_for_ever_and_answered_without_bytes_when_the_browser_has_it(
    client: Client, settings: Settings, database_url: str, project_id: int
) -> None:
    hash = put_image(settings, database_url, project_id, Image.new("L", (20, 10)), "WEBP")
    url = f"/projects/{project_id}/thumbnails/{hash}"
    first = client.get(url)
    assert (first.status_code, first.headers["content-type"]) == (200, "image/webp")
    assert first.headers["cache-control"] == "private, max-age=31536000, immutable"
    again = client.get(url, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(("mode", "format"), [("CMYK", "JPEG"), ("I;16", "PNG"), ("L", "TIFF"), ("RGB", "TIFF")])
def test_what_browsers_cannot_show_is_converted(
    client: Client, settings: Settings, database_url: str, project_id: int, mode: str, format: str
) -> None:
    hash = put_image(settings, database_url, project_id, Image.new(mode, (20, 10)), format)
    object_id = ids_of(database_url, project_id)[0]
    url = f"/projects/{project_id}/images/{hash}"
    assert f"{url}?as=png" in client.get(f"/projects/{project_id}/objects/{object_id}").text
    shown = client.get(f"{url}?as=png")
    assert shown.headers["content-type"] == "image/png"
    picture = Image.open(BytesIO(shown.content))
    assert (picture.mode in ("L", "RGB"), picture.size) == (True, (20, 10))
    assert len(client.get(url).content) > 0


def test_an_image_of_another_project_is_not_there(
    client: Client, settings: Settings, database_url: str, project_id: int
) -> None:
    with connect(database_url) as db:
        other = make_project(db, 1, "Other").id
    hash = put_image(settings, database_url, other, Image.new("L", (20, 10)), "PNG")
    assert client.get(f"/projects/{project_id}/images/{hash}").status_code == 404
    assert client.get(f"/projects/{project_id}/thumbnails/{hash}").status_code == 404
    assert client.get(f"/projects/{project_id}/images/nohash").status_code == 404


def test_anonymous_people_get_images_of_validated_objects_only(
    app_client: Client, settings: Settings, database_url: str, project_id: int
) -> None:
    hash = put_image(settings, database_url, project_id, Image.new("L", (20, 10)), "PNG")
    with connect(database_url) as db:
        db.execute("update project set visibility = 'everyone' where id = %s", [project_id])
    assert app_client.get(f"/projects/{project_id}/images/{hash}").status_code == 200
    with connect(database_url) as db:
        db.execute("update label set status = 'D'")
    assert app_client.get(f"/projects/{project_id}/images/{hash}").status_code == 404


def test_programs_page_through_objects(
    app_client: Client, database_url: str, account: Account, project_id: int
) -> None:
    headers = bearer(database_url, account, "read")
    url = f"/api/v1/projects/{project_id}/objects?order=f.area&limit=12"
    ids, cursor = [], ""
    while cursor is not None:
        answer = app_client.get(url + (f"&cursor={cursor}" if cursor else ""), headers=headers).json()
        ids += [row["id"] for row in answer["objects"]]
        cursor = answer["next_cursor"]
    assert sorted(ids) == ids_of(database_url, project_id)
    refused = app_client.get(f"/api/v1/projects/{project_id}/objects?taxon=12345", headers=headers)
    assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json")


def test_programs_stream_objects_with_the_values_of_columns(
    app_client: Client, database_url: str, account: Account, project_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.objects.api.CHUNK", 8)
    headers = bearer(database_url, account, "read")
    body = {"filter": {"f.area": ["0..12"]}, "order": "f.area", "fields": ["area", "sample.station", "orig_id"]}
    answer = app_client.post(f"/api/v1/projects/{project_id}/objects/query", json=body, headers=headers)
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert len(rows) == 23
    assert [row["area"] for row in rows] == sorted(row["area"] for row in rows)
    assert {row["sample.station"] for row in rows} == {"st0", "st1", "st2"}
    limited = app_client.post(f"/api/v1/projects/{project_id}/objects/query", json={"limit": 9}, headers=headers)
    assert len(limited.text.splitlines()) == 9
    wrong = app_client.post(f"/api/v1/projects/{project_id}/objects/query", json={"fields": ["no"]}, headers=headers)
    assert wrong.status_code == 400


def test_programs_get_one_object_whole_and_comment_on_it(
    app_client: Client, database_url: str, account: Account, project_id: int
) -> None:
    object_id = ids_of(database_url, project_id)[0]
    url, headers = f"/api/v1/projects/{project_id}/objects/{object_id}", bearer(database_url, account)
    assert app_client.post(f"{url}/comments", json={"text": "odd"}, headers=headers).status_code == 201
    whole = app_client.get(url, headers=headers).json()
    assert whole["label"]["taxon"] == "Oithona similis"
    assert whole["fields"]["object"]["area"] == 7.0
    assert whole["fields"]["sample"]["station"] == "st0"
    assert [(past["what"], past["new_status"]) for past in whole["history"]] == [("named", "V")]
    assert [comment["text"] for comment in whole["comments"]] == ["odd"]


def test_the_board_says_what_undo_would_take_back(client: Client, project_id: int) -> None:
    page = client.get(f"/projects/{project_id}").text
    assert 'data-command="undo" title="Oithona similis, 3 objects"' in page
    client.post(f"/projects/{project_id}/undo", json={"client_id": str(uuid4())})
    page = client.get(f"/projects/{project_id}").text
    assert 'data-command="undo" title="" disabled' in " ".join(page.split())


def test_predictions_show_with_their_scores(client: Client, database_url: str, project_id: int) -> None:
    from app.labels import runs

    with connect(database_url) as db:
        ids = ids_of(database_url, project_id)
        small = SmallProject(db, project_id, ids, {r.name: r.id for r in db.execute("select name, id from taxon")})
        runs.publish(db, small, predict(small, {ids[5]: "Calanoida"}, score=0.625))
    page = client.get(f"/projects/{project_id}?status=P").text
    assert page.count('class="tile"') == 1
    assert 'data-score="0.625"' in page
    assert "Calanoida" in page
    url = f"/projects/{project_id}/objects/{ids[5]}"
    assert "with score 0.62" in client.get(url).text
    with connect(database_url) as db:
        db.execute("update run set kind = 'import'")
    assert "by an import, without a score" in client.get(url).text


def test_paths_of_the_store_never_leave_it(client: Client, project_id: int, tmp_path: Path) -> None:
    for hash in ("..%2f..%2fetc", "%2e%2e", "0" * 64):
        assert client.get(f"/projects/{project_id}/images/{hash}").status_code == 404
