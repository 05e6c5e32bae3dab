"""`shoal serve` starts, stops, heals, and leaves nothing behind, however it ends."""

import os
import signal
import socket
import time
from pathlib import Path

import httpx

from app import database
from app.database.launcher import Cluster
from tests.commands.conftest import Shoal, answers, children, is_gone
from tests.waiting import wait_until


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def worker_of(pid: int) -> int | None:
    return next((child for child in children(pid) if "work_beside_server" in command_of(child)), None)


def test_it_serves_works_and_stops_in_order(shoal: Shoal) -> None:
    server, address = shoal.serve()
    assert httpx.get(f"{address}/login").status_code == 200
    wait_until(lambda: httpx.get(f"{address}/health").json()["worker"] == "ok")
    others = children(server.pid)
    server.send_signal(signal.SIGTERM)
    assert server.wait(20) == 0
    wait_until(lambda: all(is_gone(pid) for pid in others))
    assert not answers(address)
    assert "Traceback" not in shoal.said(server)


def test_ctrl_c_in_a_terminal_stops_it(shoal: Shoal) -> None:
    server, address = shoal.serve()
    server.send_signal(signal.SIGINT)
    assert server.wait(20) == 0
    assert not answers(address)


def test_no_process_outlives_a_killed_server_and_the_next_takes_its_port(shoal: Shoal) -> None:
    server, address = shoal.serve()
    wait_until(lambda: worker_of(server.pid))
    others = children(server.pid)
    server.kill()
    server.wait()
    again = shoal.start("serve", "--port", address.rpartition(":")[2])
    shoal.wait_for(again, "Shoal is at")
    wait_until(lambda: all(is_gone(pid) for pid in others))
    assert answers(address)


def test_a_killed_worker_and_a_killed_web_process_are_replaced(shoal: Shoal) -> None:
    server, address = shoal.serve()
    wait_until(lambda: worker_of(server.pid))
    worker = worker_of(server.pid)
    web = next(pid for pid in children(server.pid) if "spawn_main" in command_of(pid))
    os.kill(worker, signal.SIGKILL)
    os.kill(web, signal.SIGKILL)
    wait_until(lambda: worker_of(server.pid) not in (None, worker))
    wait_until(lambda: answers(address))


def test_a_killed_database_is_started_again(shoal_alone: Shoal) -> None:
    server, address = shoal_alone.serve("--no-worker")
    killed = Cluster(shoal_alone.home).running_pid()
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: Cluster(shoal_alone.home).running_pid() not in (None, killed))
    wait_until(lambda: answers(address))
    server.send_signal(signal.SIGTERM)
    assert server.wait(20) == 0
    assert Cluster(shoal_alone.home).running_pid() is None


def test_a_database_that_was_moved_away_is_not_replaced_and_comes_back_with_its_folder(shoal_alone: Shoal) -> None:
    server, address = shoal_alone.serve()
    data, away = shoal_alone.home / "postgres", shoal_alone.home / "away"
    pid = Cluster(shoal_alone.home).running_pid()
    data.rename(away)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: "There is no database in" in shoal_alone.said(server))
    time.sleep(4)
    assert not data.exists()
    assert shoal_alone.said(server).count("There is no database in") <= 2, "once of the server, once of its worker"
    assert httpx.get(f"{address}/health", timeout=15).status_code == 503
    away.rename(data)
    wait_until(lambda: answers(address), 40)


def test_two_commands_share_the_embedded_database(shoal_alone: Shoal) -> None:
    server, address = shoal_alone.serve("--no-worker")
    added = shoal_alone("user", "add", "ada@example.org", "--manager")
    assert added.returncode == 0, added.stderr
    assert answers(address), "the command that ended has left the server its database"
    assert "ada@example.org" in shoal_alone("user", "list").stdout
    server.terminate()
    assert server.wait(20) == 0


def test_a_taken_port_is_told_and_nothing_is_left_running(shoal: Shoal) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = shoal("serve", "--port", str(port))
    assert refused.returncode == 1
    assert f"Port {port} of 127.0.0.1 is taken" in refused.stderr
    assert "--port" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_store_that_cannot_be_used_is_told_and_nothing_is_left_running(shoal: Shoal) -> None:
    refused = shoal("serve", "--no-worker", SHOAL_STORE="/proc/store")
    assert refused.returncode == 1
    assert "/proc/store" in refused.stderr
    assert "Traceback" not in refused.stderr and "Shoal is at" not in refused.stdout


def test_it_migrates_an_empty_database(shoal_alone: Shoal) -> None:
    _, address = shoal_alone.serve("--no-worker")
    assert answers(address)
    with database.connect(Cluster(shoal_alone.home).url) as db:
        assert database.pending(db) == []


def test_without_a_worker_none_is_started(shoal: Shoal) -> None:
    server, address = shoal.serve("--no-worker")
    time.sleep(1)
    assert worker_of(server.pid) is None
    assert httpx.get(f"{address}/health").json()["worker"] == "away"


def test_several_web_processes_serve_one_port(shoal: Shoal) -> None:
    server, address = shoal.serve("--no-worker", SHOAL_PROCESSES="2")
    web = [pid for pid in children(server.pid) if "spawn_main" in command_of(pid)]
    assert len(web) == 2
    assert all(answers(address) for _ in range(10))


def test_the_web_process_does_not_import_torch(shoal: Shoal) -> None:
    server, address = shoal.serve("--no-worker")
    for path in ("/login", "/", "/api/v1/openapi.json"):
        httpx.get(f"{address}{path}")
    web = next(pid for pid in children(server.pid) if "spawn_main" in command_of(pid))
    assert "/torch/" not in Path(f"/proc/{web}/maps").read_text()


def test_links_lead_to_the_port_that_the_running_server_took(shoal: Shoal) -> None:
    shoal("user", "add", "ada@example.org")
    server, address = shoal.serve("--no-worker")
    running = shoal("user", "link", "ada@example.org", SHOAL_PORT="8123").stdout
    chosen = shoal("user", "link", "ada@example.org", SHOAL_BASE_URL="https://shoal.example.org").stdout
    server.terminate()
    server.wait(30)
    assert running.startswith(f"{address}/login/link/")
    assert chosen.startswith("https://shoal.example.org/login/link/")
    assert not (shoal.home / "serve.json").exists()
    # One that was killed leaves its file behind, and is not believed.
    (shoal.home / "serve.json").write_text('{"address": "http://127.0.0.1:1", "process": "gone"}')
    stopped = shoal("user", "link", "ada@example.org", SHOAL_PORT="8123").stdout
    assert stopped.startswith("http://127.0.0.1:8123/login/link/")
