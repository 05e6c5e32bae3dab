"""Taxa are found by any of their names, with or without accents, and by their numbers."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.database import Db
from app.taxonomy.finding import as_typed, spelt_alike
from app.taxonomy.names import folded
from app.taxonomy.queries import find_taxa
from tests.small_projects import make_taxa


@pytest.fixture
def taxa(db: Db) -> dict[str, int]:
    taxa = make_taxa(db)
    db.execute(
        """
        insert into other_name (taxon_id, kind, name, language)
        values (%(c)s, 'common', 'Crustacé à rames', 'fr'), (%(s)s, 'synonym', 'Oithona helgolandica', '')
        """,
        {"c": taxa["Copepoda"], "s": taxa["Oithona similis"]},
    )
    db.execute("update taxon set aphia_id = 1080, ecotaxa_id = 25828 where id = %s", [taxa["Copepoda"]])
    return taxa


def found(db: Db, typed: str) -> list[tuple[str, str]]:
    return [(taxon.display_name, taxon.also) for taxon in find_taxa(db, typed)]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("rames", [("Copepoda", "Crustacé à rames")]),
        ("crustace", [("Copepoda", "Crustacé à rames")]),
        ("CRUSTACÉ A RAM", [("Copepoda", "Crustacé à rames")]),
        ("helgo", [("Oithona similis", "Oithona helgolandica")]),
        ("oithona helgolandica", [("Oithona similis", "Oithona helgolandica")]),
        ("oithona", [("Oithona", ""), ("Oithona similis", "")]),
        ("1080", [("Copepoda", "")]),
        ("25828", [("Copepoda", "")]),
        ("living", [("living", ""), ("not-living", "")]),
        ("not-liv", [("not-living", "")]),
    ],
)
def test_synonyms_common_names_and_numbers_find_a_taxon_and_say_how(
    db: Db, taxa: dict[str, int], typed: str, expected: list[tuple[str, str]]
) -> None:
    assert found(db, typed) == expected


def test_a_name_that_is_renamed_or_goes_is_found_no_more(db: Db, taxa: dict[str, int]) -> None:
    db.execute("update taxon set name = 'Cyclopina', display_name = 'Cyclopina' where id = %s", [taxa["Oithona"]])
    db.execute("delete from other_name where kind = 'synonym'")
    assert found(db, "oithona") == [("Oithona similis", "")]
    assert found(db, "cyc") == [("Cyclopina", "")]
    assert found(db, "helgo") == []


@pytest.mark.parametrize("typed", ["Calanoida<Copepoda", "calanoida < cop", "fiber<detritus", "Fiber<detr"])
def test_a_name_with_that_of_its_parent_finds_what_is_shown_without_it_too(
    db: Db, taxa: dict[str, int], typed: str
) -> None:
    [name] = [name for name, _ in found(db, typed)]
    assert name.lower().startswith(typed.split("<")[0].strip().lower())
    assert found(db, "Calanoida<detritus") == []


def test_a_misspelt_synonym_finds_its_taxon(db: Db, taxa: dict[str, int]) -> None:
    assert spelt_alike(db, as_typed("oitona helgolandika")) == [taxa["Oithona similis"]]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(codec="utf-8", max_codepoint=0x17F, exclude_characters="\0"), max_size=30))
def test_names_are_compared_alike_here_and_in_the_database(db: Db, text: str) -> None:
    assert db.execute("select folded_name(%s)", [text]).fetchone()[0].strip() == folded(text)
