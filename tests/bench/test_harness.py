"""What is run, in which order, and what is said to the clients."""

import pytest
from bench.ftp.other_clients import command_of
from bench.ftp.runs import check_ciphers
from bench.ftp.suite import FTP
from bench.harness.clients.jobs import ClientFailed, Endpoint, Job, Outcome, parse_job, parse_outcome
from bench.harness.running_order import rotated
from bench.harness.seeding import source_file, write_files
from bench.harness.servers.running import Running, Unavailable
from bench.harness.suite import chosen_cases
from bench.s3.suite import S3
from bench.sftp.suite import SFTP

PLAIN = Endpoint(host="127.0.0.1", port=2121, user="user1", password="open-sesame", folder="files")
TLS = Endpoint(host="127.0.0.1", port=2121, user="user1", password="open-sesame", is_tls=True)


SUITES = (FTP, SFTP, S3)


@pytest.mark.parametrize("is_quick", [False, True])
def test_every_case_and_every_figure_has_a_name_of_its_own(is_quick):
    cases = [case for found in chosen_cases(SUITES, [], is_quick=is_quick).values() for case in found]
    kinds = [kind.case for case in cases for kind in case.kinds]
    assert len({case.name for case in cases}) == len(cases)
    assert len(set(kinds)) == len(kinds)
    assert all((case.measure is None) != (case.measure_fresh is None) for case in cases)


def test_cases_are_chosen_by_name_in_their_own_order():
    chosen = chosen_cases(SUITES, ["s3-up", "up", "sftp-up", "down"], is_quick=False)
    assert {name: [case.name for case in cases] for name, cases in chosen.items()} == {
        "ftp": ["down", "up"],
        "sftp": ["sftp-up"],
        "s3": ["s3-up"],
    }
    everything = chosen_cases(SUITES, [], is_quick=False)
    assert {name: len(cases) for name, cases in everything.items()} == {
        suite.name: len(suite.cases(suite.plan)) for suite in SUITES
    }


def test_an_unknown_case_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"no case sideways; there are down, up.*sftp-down"):
        chosen_cases(SUITES, ["sideways", "up"], is_quick=False)


@pytest.mark.parametrize("suite", SUITES, ids=[suite.name for suite in SUITES])
def test_what_is_profiled_is_a_case_on_a_server_that_runs(suite):
    cases = {case.name: case for case in suite.cases(suite.plan)}
    assert all(cases[name].measure is not None for name in suite.profiled)


def test_a_way_that_a_server_lacks_is_told_in_its_words():
    server = Running(name="a", version="1", ways={"plain": PLAIN}, missing={"tls": "it has none"}, meter=None, roots=[])
    assert server.by("plain") is PLAIN
    with pytest.raises(Unavailable, match="it has none"):
        server.by("tls")
    with pytest.raises(Unavailable, match="it has no carrier-pigeon"):
        server.by("carrier-pigeon")


def test_files_are_seeded_as_four_sessions_would_upload_them(tmp_path):
    write_files(tmp_path / "many", 2, 3)
    assert sorted(path.name for path in (tmp_path / "many").iterdir())[:3] == ["0000000", "0000001", "1000000"]
    assert source_file(tmp_path, (1 << 20) + 5).stat().st_size == (1 << 20) + 5


def test_each_run_begins_with_another_server():
    assert [rotated(["a", "b", "c"], run)[0] for run in range(4)] == ["a", "b", "c", "a"]
    assert sorted(rotated(["a", "b", "c"], 1)) == ["a", "b", "c"]
    assert rotated([], 3) == []


def test_jobs_and_outcomes_survive_the_way_to_another_process():
    job = Job(what="sessions", endpoint=TLS, path="é", count=3, sources=("127.1.0.1", "127.1.0.2"))
    assert parse_job(job.to_line()) == job
    outcome = Outcome(began=1.5, ended=2.5, began_at=9.0, nbytes=4, cpu_s=0.1, figures={"first_s": 0.2}, cipher="x")
    assert parse_outcome(outcome.to_line()) == outcome


@pytest.mark.parametrize("client", ["curl", "lftp"])
@pytest.mark.parametrize("what", ["up", "down"])
@pytest.mark.parametrize("endpoint", [PLAIN, TLS], ids=["plain", "tls"])
def test_no_client_gets_the_password_by_argument(client, what, endpoint, tmp_path):
    command = command_of(client, Job(what=what, endpoint=endpoint, path="a"), tmp_path / "source")
    assert command[0] == client
    assert "open-sesame" not in " ".join(command)


def test_a_password_is_not_in_a_repr():
    assert "open-sesame" not in repr(Job(what="up", endpoint=PLAIN))


@pytest.mark.parametrize("cipher", ["", "TLSv1.3 TLS_AES_128_GCM_SHA256", "TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256"])
def test_plain_sessions_and_the_agreed_cipher_are_compared(cipher):
    check_ciphers([outcome_with(cipher)])


@pytest.mark.parametrize("cipher", ["TLSv1.3 TLS_AES_256_GCM_SHA384", "TLSv1.2 ECDHE-RSA-AES128-SHA"])
def test_a_server_that_chose_another_cipher_has_no_figure(cipher):
    with pytest.raises(ClientFailed, match="instead of AES-128-GCM"):
        check_ciphers([outcome_with(""), outcome_with(cipher)])


def outcome_with(cipher):
    return Outcome(began=0, ended=1, began_at=0, nbytes=1, cpu_s=0, cipher=cipher)
