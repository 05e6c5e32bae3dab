"""What is wrong with a list of taxa is told with its line, and what to do; the lines around it are read as ever."""

import zipfile

import pytest

from app.database import Db
from app.taxonomy.bringing import ask_plan
from tests.small_projects import make_taxa
from tests.taxonomy.desk import Desk

HEAD = "id,name,parent_id\n"


def faults(desk: Desk, text: str, name: str = "bad.csv") -> dict[int, str]:
    return dict(desk.compare(desk.file(name, text)).faults)


def test_a_quote_that_is_never_closed_is_a_fault_of_its_line_alone(db: Db, desk: Desk) -> None:
    told = faults(desk, f'{HEAD}5101,Ra,\n5102,"Rb open,\n5103,Rc,\n5104,Rd "inner" x,\n')
    assert list(told) == [3] and "quote" in told[3]
    assert desk.take_in(without_faulty=True) == "done", desk.error
    assert set(desk.shown()) == {"Ra", "Rc", 'Rd "inner" x'}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f'{HEAD}1,Ra,\n2,"Rb is cu', 3),
        (f'{HEAD}1,"Ra,\n2,Rb",\n3,Rc,\n', 2),
        (f'{HEAD}1,"Ra"x,\n2,Rb,\n', 2),
    ],
)
def test_a_cut_file_and_a_name_of_two_lines_are_faults(desk: Desk, text: str, line: int) -> None:
    assert line in faults(desk, text)


def test_other_cells_in_quotes_may_have_lines_and_later_lines_keep_their_numbers(desk: Desk) -> None:
    told = faults(desk, 'id,name,remark\n1,Ra,"two\nlines"\n2,x<y,\n')
    assert list(told) == [4]


def test_a_nul_is_a_fault_of_its_line(desk: Desk) -> None:
    told = faults(desk, "name,rank\nRa,gen\0us\nR\0b,\nRc,\n")
    assert list(told) == [2, 3] and "UTF-8" in told[2]
    assert list(faults(desk, '[{"id": 1, "name": "a\\u0000b"}]', "bad.json")) == [1]


def test_a_file_in_another_encoding_says_how_to_save_it(desk: Desk) -> None:
    for encoding in ("latin-1", "utf-16"):
        path = desk.folder / f"{encoding}.csv"
        path.write_bytes("name\nœuf".replace("œ", "é").encode(encoding))
        desk.id, job_id = ask_plan(desk.db, desk.account_id, path, path.name)
        assert desk._work(job_id) == "failed"
        assert "save it as UTF-8" in desk.error and "codec" not in desk.error


def test_a_zip_that_is_cut_is_called_so(desk: Desk) -> None:
    path = desk.folder / "cut.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("taxa.csv", "name\n" + "x\n" * 1000)
    path.write_bytes(path.read_bytes()[:-200])
    desk.id, job_id = ask_plan(desk.db, desk.account_id, path, path.name)
    assert desk._work(job_id) == "failed"
    assert "ends too early" in desk.error and "Send it again" in desk.error


def test_a_name_that_stands_twice_in_one_place_is_told_with_its_first_line(desk: Desk) -> None:
    told = faults(desk, "name,parent\nRa,\nRa,\negg,Ra\nleg,Ra\negg,Ra\n")
    assert told == {
        3: "Ra: the list names it twice, first in line 2",
        6: "egg: the list names it twice, first in line 4",
    }


def test_a_parent_is_found_with_its_own_parent_with_or_without_blanks_and_two_of_a_name_are_told(
    db: Db, desk: Desk
) -> None:
    taxa = make_taxa(db)
    db.execute(
        "insert into taxon (parent_id, name, display_name) values (%s, 'Calanoida', 'Calanoida < not-living')",
        [taxa["not-living"]],
    )
    db.execute("update taxon set display_name = 'Calanoida < Copepoda' where display_name = 'Calanoida'")
    told = faults(
        desk, "name,parent\na,Calanoida<Copepoda\nb,Calanoida < Copepoda\nc,Calanoida\nd,fiber<detritus\ne,x\n"
    )
    assert list(told) == [4, 6]
    assert "say which" in told[4] and "neither in the list" in told[6]
    assert desk.take_in(without_faulty=True) == "done", desk.error
    assert (desk.shown()["a"], desk.shown()["b"]) == ("Calanoida < Copepoda",) * 2


def test_what_cannot_be_used_instead_of_a_deprecated_one_is_told(db: Db, desk: Desk) -> None:
    head = "id,name,taxotype,taxostatus,rename_to\n"
    told = faults(desk, f"{head}1,a,P,D,99\n2,b,P,D,2\n3,c,P,D,4\n4,d,P,D,3\n5,e,P,A,\n6,f,P,D,5\n")
    assert list(told) == [2, 3, 4, 5]
    assert "neither in the list nor known here" in told[2] and "by itself" in told[3] and "each" in told[4]


def test_what_to_use_instead_may_be_known_here_only(db: Db, desk: Desk) -> None:
    head = "id,name,taxotype,taxostatus,rename_to\n"
    desk.compare(desk.file("a.csv", f"{head}1,a,P,A,\n"))
    desk.take_in()
    assert faults(desk, f"{head}2,b,P,D,1\n") == {}
    assert desk.take_in() == "done", desk.error
    assert db.execute("select count(*) from taxon where rename_to is not null").fetchone()[0] == 1


def test_a_number_of_worms_that_is_none_is_a_fault_and_one_with_a_point_and_nought_is_read(db: Db, desk: Desk) -> None:
    text = "name,aphia_id\nRa,x12\nRb,-5\nRc,12.0\nRd,99999999999999999999\nRe,12.5\n"
    told = faults(desk, text)
    assert list(told) == [2, 3, 5, 6]
    assert told[2] == "Ra: the AphiaID “x12” is no positive whole number"
    assert desk.take_in(without_faulty=True) == "done", desk.error
    assert [tuple(row) for row in db.execute("select name, aphia_id from taxon").fetchall()] == [("Rc", 12)]


def test_a_number_of_worms_that_two_have_in_the_list_or_another_has_here_is_a_fault(db: Db, desk: Desk) -> None:
    desk.compare(desk.file("first.csv", "name,aphia_id,ecotaxa_id\nRa,12,\nRb,13,7\n"))
    assert desk.take_in() == "done", desk.error
    text = "name,parent,aphia_id,ecotaxa_id,status\nRc,,14,,\nRd,Rc,14,,\nRb,,12,7,\nRe,Rd,15,,\nRf,,14,,D\n"
    assert faults(desk, text) == {
        3: "Rd: its AphiaID 14 is given twice, first in line 2",
        4: "Rb: its AphiaID 12 is that of “Ra” here",
        5: "Re: its parent “rd” is neither in the list nor known here, or is faulty",
    }
    assert faults(desk, "name,aphia_id\nRa,12\nRb,13\n") == {}


def test_a_line_of_more_cells_than_its_head_names_is_a_fault(desk: Desk) -> None:
    told = faults(desk, "name,rank\nRa,genus,,\nRb, white,genus\n")
    assert list(told) == [3] and "3 cells" in told[3] and "quotes" in told[3]
