"""Bringing images in through the browser: sent, lost and resumed, checked, asked about, and found on the board."""

import re
import socket
import threading
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import CDPSession, Dialog, expect

from app import database
from app.exchange import uploads
from app.jobs.run import run_queued
from app.projects.queries import make_project
from tests.browser.conftest import Person, Site
from tests.browser.window import Window, reload
from tests.exchange.conftest import picture

HEADER = "object_id\timg_file_name\tobject_annotation_category\tobject_annotation_status\tobject_annotation_person_name"
TYPES = "\t".join(["[t]"] * 5)
# So much that a slowed link is still busy when it is cut.
LARGE = 6_000_000


class Line:
    """The line between the window and the server, which can be cut in the middle of whatever it carries."""

    def __init__(self, site: str) -> None:
        parts = urlsplit(site)
        self.server = (parts.hostname, parts.port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.is_cut = False
        self.ends: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self.is_cut = True
        for end in self.ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self.is_cut = False

    def _accept(self) -> None:
        while True:
            near, _ = self.listener.accept()
            if self.is_cut:
                near.close()
                continue
            far = socket.create_connection(self.server)
            self.ends += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=[one, other], daemon=True).start()

    @staticmethod
    def _carry(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        with suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)


class Desk:
    """A manager's window on the import page of a new project."""

    def __init__(self, site: Site, window: Window, project_id: int) -> None:
        self.site, self.window, self.page, self.project_id = site, window, window.page, project_id
        self.link: CDPSession | None = None
        self.visit()

    def visit(self, address: str = "") -> None:
        self.page.goto(f"{address}/projects/{self.project_id}/import")
        self.window.wait_for("customElements.get('shoal-upload') !== undefined && 'tus' in window")

    def choose(self, *paths: Path, field: str = "files") -> None:
        self.page.set_input_files(f"[name={field}]", [str(path) for path in paths])

    def arrived(self) -> None:
        """The page of the upload, which has come whole."""
        self.page.wait_for_url(re.compile(r"/import/[0-9a-f-]{36}$"))

    def work(self) -> None:
        """What a worker does."""
        with database.connect(self.site.database_url) as db:
            waiting = db.execute(
                "select id from job where status = 'queued' and kind = 'import' and project_id = %s", [self.project_id]
            ).fetchall()
        assert waiting
        for job in waiting:
            run_queued(job.id, self.site.settings, self.site.database_url, threading.Event())

    def check(self) -> None:
        self.page.get_by_role("button", name="Check", exact=True).click()
        expect(self.page.get_by_role("heading", name="Waits for its turn")).to_be_visible()
        self.work()

    def slow(self, bytes_a_second: int) -> None:
        """How fast the window's network takes what it sends; -1: as fast as the machine can."""
        if self.link is None:
            self.link = self.page.context.new_cdp_session(self.page)
            self.link.send("Network.enable")
        rates = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_a_second}
        self.link.send("Network.emulateNetworkConditions", {"offline": False, **rates})

    def wait_for_bytes(self, least: int) -> None:
        self.window.wait_for(f"document.querySelector('shoal-upload progress').value > {least}")

    def stored(self) -> list[uploads.Upload]:
        with database.connect(self.site.database_url) as db:
            return uploads.list_uploads(db, self.project_id)


@pytest.fixture
def desk(site: Site, person: Callable[[str], Person], open_window: Callable[..., Window]) -> Desk:
    ada = person("Ada")
    with database.connect(site.database_url) as db:
        project_id = make_project(db, ada.id, f"Leg of {ada.email}")
    return Desk(site, open_window(ada), project_id)


def bundle(place: Path, *rows: str, padding: int = 0) -> Path:
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("ecotaxa_t.tsv", "\n".join([HEADER, TYPES, *rows]))
        for number, name in enumerate(("a.png", "b.png", "c.png")):
            archive.writestr(name, picture(number, size=(40, 30)))
        if padding:
            archive.writestr("notes.bin", bytes(padding))
    return place


def test_a_zip_is_sent_checked_asked_about_and_found_on_the_board(desk: Desk, tmp_path: Path) -> None:
    page, number = desk.page, desk.project_id  # the names are this project's own: the taxonomy is all tests'
    copepod, fibre, blob = f"Copepod {number}", f"fibre {number}", f"blob {number}"
    with database.connect(desk.site.database_url) as db:
        db.execute(
            "insert into taxon (name, display_name, type) values (%(name)s, %(name)s, 'P')",
            {"name": f"Copepoda {number}"},
        )
        db.execute(
            "insert into taxon (name, display_name, type) values ('debris', 'debris', 'M') on conflict do nothing"
        )
    rows = [
        f"o1\ta.png\t{copepod}\tvalidated\tBo Ek",
        f"o2\tb.png\t{fibre}\tvalidated\tBo Ek",
        f"o3\tc.png\t{blob}\tpredicted\t",
    ]
    desk.choose(bundle(tmp_path / "leg3.zip", *rows))
    desk.arrived()
    desk.check()
    expect(page.get_by_role("heading", name="3 unknown taxa")).to_be_visible()

    # By keyboard: the proposed name is taken by Enter, which leads to the next.
    first = page.get_by_label(f"Taxon for {copepod}")
    expect(first).to_have_value(f"Copepoda {number}")
    first.focus()
    answers: list[str] = []
    page.on("request", lambda asked: asked.url.endswith("/answers") and answers.append(asked.url))
    desk.window.press("Enter")
    expect(page.locator(f'tr[data-taxon="{copepod}"]')).to_have_class(re.compile("answered"))
    assert len(answers) == 1
    # By pointer: one is left without a label, the other created under what is there.
    page.get_by_role("button", name=f"Bring {blob} in without a label").click()
    page.get_by_role("button", name=f"Create {fibre}").click()
    sheet = page.locator("#new-taxon")
    expect(sheet).to_be_visible()
    page.keyboard.type("debris")
    expect(sheet.get_by_role("option", name="debris")).to_be_visible()
    desk.window.press("Enter")
    sheet.get_by_role("button", name="Create", exact=True).click()
    expect(page.locator(f'tr[data-taxon="{fibre}"]')).to_have_class(re.compile("answered"))
    page.get_by_role("button", name="Bo Ek is me").click()
    expect(page.locator("#still-open")).to_have_text("All names are answered")

    reload(page)
    expect(page.get_by_label(f"Taxon for {fibre}")).to_have_value(fibre)
    expect(page.get_by_role("button", name=f"Bring {blob} in without a label")).to_have_attribute(
        "aria-pressed", "true"
    )
    page.get_by_role("button", name="Import 3 objects").click()
    expect(page.get_by_role("heading", name="Waits for its turn")).to_be_visible()
    desk.work()
    page.get_by_role("link", name="Show what came in").click()
    expect(desk.window.tiles).to_have_count(3)
    captions = page.locator("#tiles .tile .name-cut").evaluate_all("(all) => all.map((one) => one.title).sort()")
    assert captions == [f"Copepoda {number}", fibre]
    assert desk.stored() == []


def test_faults_are_shown_with_file_and_line(desk: Desk, tmp_path: Path) -> None:
    page = desk.page
    desk.choose(bundle(tmp_path / "bad.zip", "o1\tnowhere.png\t\t\t", "o2\tb.png\tCope\t\t"))
    desk.arrived()
    desk.check()
    expect(page.get_by_role("heading", name="2 faults")).to_be_visible()
    group = page.locator(".fault-group", has_text="ecotaxa_t.tsv")
    expect(group.locator("tbody tr").first.locator("td").first).to_have_text("3")
    expect(group).to_contain_text("nowhere.png")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as a table").click()
    assert "ecotaxa_t.tsv\t4\t" in Path(download.value.path()).read_text()
    page.get_by_label("Leave out images that cannot be read").check()
    desk.check()
    expect(page.get_by_role("heading", name="1 fault")).to_be_visible()


def test_what_is_neither_image_nor_table_is_told_at_once(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "notes.docx").write_bytes(b"x")
    desk.choose(tmp_path / "notes.docx")
    expect(desk.page.locator("shoal-upload .error")).to_contain_text("notes.docx is neither a zip, an image nor")
    expect(desk.page.get_by_role("button", name="Choose a zip or files")).to_be_visible()
    assert desk.stored() == []


def test_a_lost_connection_is_told_and_the_upload_goes_on_by_itself(desk: Desk, tmp_path: Path) -> None:
    page, window, line = desk.page, desk.window, Line(desk.site.address)
    window.forgive("Failed to load resource")
    desk.visit(line.address)
    desk.slow(2_000_000)
    desk.choose(bundle(tmp_path / "large.zip", "o1\ta.png\t\t\t", padding=LARGE))
    desk.wait_for_bytes(500_000)
    line.cut()
    expect(page.locator("shoal-upload .told")).to_contain_text("The connection is lost")
    (upload,) = desk.stored()
    assert upload.offset(desk.site.settings) < upload.size
    sent: list[int] = []
    page.on("request", lambda asked: asked.method == "PATCH" and sent.append(int(asked.headers["upload-offset"])))
    line.mend()
    desk.arrived()
    assert upload.source(desk.site.settings).read_bytes() == (tmp_path / "large.zip").read_bytes()
    assert max(sent) > 0


def test_a_file_that_changes_while_it_is_sent_is_told(desk: Desk, tmp_path: Path) -> None:
    page, window, line = desk.page, desk.window, Line(desk.site.address)
    window.forgive("Failed to load resource")
    desk.visit(line.address)
    desk.slow(2_000_000)
    place = bundle(tmp_path / "large.zip", padding=LARGE)
    desk.choose(place)
    desk.wait_for_bytes(500_000)
    line.cut()
    expect(page.locator("shoal-upload .told")).to_contain_text("The connection is lost")
    with place.open("ab") as file:
        file.write(b"more")
    line.mend()
    expect(page.locator("shoal-upload .error")).to_contain_text("changed or removed", timeout=15_000)

    desk.visit()
    page.locator(".begun a").first.click()
    expect(page.get_by_text("only the rest is sent")).to_be_visible()
    desk.choose(place)
    expect(page.locator("shoal-upload .error")).to_contain_text("This is not what was begun here")
    page.get_by_role("button", name="Remove what has arrived").click()
    expect(page.locator(".begun")).to_have_count(0)
    assert desk.stored() == []


def folder_of(place: Path) -> Path:
    """Names that no plain header holds, and one file that is left out."""
    folder = place / "Leg 3"
    for taxon in ("Copepoda", "détritus, très long " + "ñ" * 60):
        (folder / taxon).mkdir(parents=True)
        for number in range(3):
            noise = picture(number + len(taxon), size=(1200, 900))
            (folder / taxon / f"image {number} é.png").write_bytes(noise)
    (folder / "notes.docx").write_bytes(b"x")
    (folder / ".DS_Store").write_bytes(b"x")
    return folder


def test_a_folder_goes_on_after_a_reload_and_comes_in_with_its_names(desk: Desk, tmp_path: Path) -> None:
    page = desk.page
    folder = folder_of(tmp_path)
    desk.slow(50_000)
    desk.choose(folder, field="folder")
    expect(page.locator("shoal-upload .what")).to_contain_text("Leg 3: 6 files")
    expect(page.locator("shoal-upload .left-out")).to_contain_text("notes.docx")
    desk.wait_for_bytes(30_000)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("shoal-upload .told")).to_contain_text("Paused")
    (upload,) = desk.stored()
    before = upload.offset(desk.site.settings)
    assert 0 < before < upload.size

    desk.visit()
    expect(page.locator(".begun")).to_contain_text("have arrived")
    desk.slow(-1)
    sent: list[int] = []
    page.on("request", lambda asked: asked.method == "PATCH" and sent.append(int(asked.headers["upload-offset"])))
    desk.choose(folder, field="folder")
    desk.arrived()
    assert sent[0] >= before
    assert [stored.id for stored in desk.stored()] == [upload.id]

    page.get_by_label("Folders' names are taxa, as validated labels").check()
    page.get_by_label("Make them all, as the source places them").check()
    desk.check()
    page.get_by_role("button", name="Import 6 objects").click()
    expect(page.get_by_role("heading", name="Waits for its turn")).to_be_visible()
    desk.work()
    page.get_by_role("link", name="Show what came in").click()
    expect(desk.window.tiles).to_have_count(6)
    with database.connect(desk.site.database_url) as db:
        names = db.execute("select orig_id from object where project_id = %s", [desk.project_id]).fetchall()
    assert {row.orig_id for row in names} == {str(path.relative_to(folder)) for path in folder.rglob("*.png")}


def test_an_upload_that_is_cancelled_leaves_nothing(desk: Desk, tmp_path: Path) -> None:
    page = desk.page
    desk.slow(500_000)
    desk.choose(bundle(tmp_path / "large.zip", padding=LARGE))
    desk.wait_for_bytes(100_000)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Choose a zip or files")).to_be_focused()
    for _ in range(100):
        if not desk.stored():
            return
        page.wait_for_timeout(50)
    raise AssertionError("still there after 5 s")


def test_an_upload_that_is_taken_up_again_stands_in_one_place_and_goes_from_the_list_when_cancelled(
    desk: Desk, tmp_path: Path
) -> None:
    page, place = desk.page, bundle(tmp_path / "large.zip", padding=LARGE)
    desk.slow(500_000)
    desk.choose(place)
    desk.wait_for_bytes(100_000)
    page.get_by_role("button", name="Pause").click()
    desk.visit()
    expect(page.locator(".begun")).to_be_visible()
    desk.choose(place)
    desk.wait_for_bytes(100_000)
    expect(page.locator(".begun")).to_be_hidden()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Choose a zip or files")).to_be_focused()
    expect(page.locator(".begun tr")).to_have_count(0)
    assert desk.stored() == []


def test_the_sheet_that_creates_a_taxon_is_dressed_and_gives_the_focus_back(desk: Desk, tmp_path: Path) -> None:
    page = desk.page
    desk.choose(bundle(tmp_path / "leg3.zip", "o1\ta.png\tsomething new\tvalidated\t"))
    desk.arrived()
    desk.check()
    button = page.get_by_role("button", name="Create something new")
    button.click()
    sheet = page.locator("#new-taxon")
    style = sheet.evaluate("(sheet) => [getComputedStyle(sheet).borderWidth, getComputedStyle(sheet).paddingTop]")
    assert style[0] == "1px"
    assert style[1] != "0px"
    desk.window.press("Escape")
    expect(sheet).to_be_hidden()
    expect(button).to_be_focused()


def test_unknown_taxa_are_all_created_at_the_root_where_there_is_none_above_them(desk: Desk, tmp_path: Path) -> None:
    page = desk.page
    lines = ["o1\ta.png\troot one\tvalidated\t", "o2\tb.png\troot two\tvalidated\t", "o3\tc.png\tleft\tvalidated\t"]
    desk.choose(bundle(tmp_path / "leg3.zip", *lines))
    desk.arrived()
    desk.check()
    page.get_by_role("button", name="Bring left in without a label").click()
    expect(page.locator("#without-label")).to_have_text("As answered, the labels of 1 object stay away.")
    page.locator(".make-all").get_by_label("at the root of the tree").check()
    page.get_by_role("button", name="Create all").click()
    expect(page.locator("#still-open")).to_have_text("All names are answered")
    with database.connect(desk.site.database_url) as db:
        made = db.execute("select name from taxon where name like 'root %' and parent_id is null order by 1").fetchall()
    assert [row.name for row in made] == ["root one", "root two"]


def test_leaving_while_it_is_sent_is_asked_about(desk: Desk, tmp_path: Path) -> None:
    page = desk.page
    desk.slow(500_000)
    desk.choose(bundle(tmp_path / "large.zip", padding=LARGE))
    desk.wait_for_bytes(100_000)
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.locator("shoal-upload").click()  # a browser asks only those who touched the page
    page.close(run_before_unload=True)
    for _ in range(100):
        if asked:
            break
        page.wait_for_timeout(50)
    assert asked == ["beforeunload"]


def test_all_of_it_is_reached_by_keyboard_in_a_narrow_window(desk: Desk, tmp_path: Path) -> None:
    page = desk.page
    page.set_viewport_size({"width": 900, "height": 900})
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a zip or files").focus()
        desk.window.press("Enter")
    chooser.value.set_files(str(bundle(tmp_path / "leg.zip", "o1\ta.png\tCope\tvalidated\tBo Ek")))
    desk.arrived()
    page.get_by_role("button", name="Check", exact=True).focus()
    desk.window.press("Enter")
    expect(page.get_by_role("heading", name="Waits for its turn")).to_be_visible()
    desk.work()
    page.get_by_role("button", name="Bring Cope in without a label").focus()
    desk.window.press("Enter")
    page.get_by_role("button", name="Keep Bo Ek as a person without access").focus()
    desk.window.press("Enter")
    expect(page.locator("#still-open")).to_have_text("All names are answered")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Import 1 object").focus()
    desk.window.press("Enter")
    expect(page.get_by_role("heading", name="Waits for its turn")).to_be_visible()
    desk.work()
    expect(page.get_by_role("link", name="Show what came in")).to_be_visible()


def test_what_was_left_out_is_said_of_the_files_that_were_chosen_last(desk: Desk, tmp_path: Path) -> None:
    page = desk.page
    desk.slow(50_000)
    desk.choose(folder_of(tmp_path), field="folder")
    left_out = page.locator("shoal-upload .left-out")
    expect(left_out).to_contain_text("notes.docx")
    desk.wait_for_bytes(0)
    page.get_by_role("button", name="Cancel").click()
    desk.choose(bundle(tmp_path / "leg.zip", padding=LARGE))
    expect(page.locator("shoal-upload .what")).to_contain_text("leg.zip")
    expect(left_out).to_have_text("")
