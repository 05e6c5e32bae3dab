"""Fetches what is vendored here from npm, as vendor.json names it; `--check` compares the files with it, offline."""

import base64
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).parent


def check(entry: dict[str, str]) -> None:
    """Stop where a file is not the one that was vendored."""
    digest = hashlib.sha256((HERE / entry["file"]).read_bytes()).hexdigest()
    if digest != entry["sha256"]:
        sys.exit(f"{entry['file']} is not {entry['name']} {entry['version']}: run {Path(__file__).name} to fetch it.")
    if not (HERE / entry["licence_file"]).is_file():
        sys.exit(f"The licence of {entry['name']} is missing: {entry['licence_file']}.")


def fetch(entry: dict[str, str]) -> None:
    """Take one file and the licence out of the package, whose integrity npm states and vendor.json keeps."""
    with tempfile.TemporaryDirectory() as folder:
        package = f"{entry['name']}@{entry['version']}"
        subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        archive = next(Path(folder).glob("*.tgz"))
        digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if f"sha512-{digest}" != entry["integrity"]:
            sys.exit(f"{package} is not the package that vendor.json names.")
        with tarfile.open(archive) as members:
            for source, target in ((entry["from"], entry["file"]), ("LICENSE", entry["licence_file"])):
                (HERE / target).write_bytes(members.extractfile(f"package/{source}").read())


for vendored in json.loads((HERE / "vendor.json").read_text()):
    if "--check" not in sys.argv:
        fetch(vendored)
    check(vendored)
