"""The commands as people type them: a laboratory moves to another machine, and a project to another laboratory."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.database.launcher import Cluster
from tests.commands.conftest import Shoal, home, make_shoal, shoal_alone
from tests.exchange.conftest import picture

__all__ = ["home", "shoal_alone"]


@pytest.fixture
def second() -> Iterator[Shoal]:
    """`shoal` on another home that is empty."""
    with tempfile.TemporaryDirectory(prefix="shoal-command-") as folder:
        Path(folder).chmod(0o711)
        made = make_shoal(Path(folder))
        yield made
        made.stop_all()
        Cluster(Path(folder)).stop()


def fill(shoal: Shoal, source: Path) -> None:
    (source / "Copepoda").mkdir(parents=True)
    for number in range(5):
        (source / "Copepoda" / f"{number}.png").write_bytes(picture(number))
    assert shoal("user", "add", "ada@example.org", "--name", "Ada", "--manager").returncode == 0
    given = ["--project", "Bay", "--create", "--taxa-from-folders", "--create-taxa", "--as", "ada@example.org"]
    done = shoal("import", str(source), *given)
    assert done.returncode == 0, done.stderr


def test_a_laboratory_moves_to_another_machine_while_it_serves(
    shoal_alone: Shoal, second: Shoal, tmp_path: Path
) -> None:
    fill(shoal_alone, tmp_path / "source")
    _, address = shoal_alone.serve("--no-worker")
    backed_up = shoal_alone("backup", str(tmp_path / "kept"))
    assert backed_up.returncode == 0, backed_up.stderr
    assert "1 project, 5 objects, 5 images" in backed_up.stdout
    assert httpx.get(f"{address}/health").status_code == 200
    in_use = shoal_alone("upgrade")
    assert in_use.returncode == 1 and "stop it, then upgrade" in in_use.stderr
    assert "5 objects" in shoal_alone("backup", str(tmp_path / "kept"), "--list").stdout
    assert shoal_alone("backup", str(tmp_path / "kept"), "--check").returncode == 0

    restored = second("restore", str(tmp_path / "kept"))
    assert restored.returncode == 0, restored.stderr
    assert "5 images" in restored.stdout
    again = second("restore", str(tmp_path / "kept"))
    assert again.returncode == 1 and "already" in again.stderr and "Traceback" not in again.stderr
    assert "Bay" in second("disk").stdout
    assert "0.0 MB would be freed" in second("gc", "--dry-run").stdout
    _, address = second.serve("--no-worker")
    assert httpx.get(f"{address}/health").status_code == 200


def test_a_project_moves_to_another_laboratory(shoal_alone: Shoal, second: Shoal, tmp_path: Path) -> None:
    fill(shoal_alone, tmp_path / "source")
    file = str(tmp_path / "bay.shoal")
    assert shoal_alone("archive", "Bay", file).returncode == 0
    restored = second("archive", "--restore", file)
    assert restored.returncode == 0, restored.stderr
    assert "Restored as project" in restored.stdout and "Bay" in restored.stdout
    assert second("archive", "Bay").returncode == 2
