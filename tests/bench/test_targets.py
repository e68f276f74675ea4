"""Promises, and whether a run keeps them."""

import pytest
from bench.ftp.suite import FTP
from bench.harness.figures import Sample
from bench.harness.targets import CeilingTarget, LimitTarget, PeerTarget, judge, judge_all
from bench.s3.suite import S3
from bench.sftp.suite import SFTP


def samples(case="down", server_cpu_s=None, client_cpu_s=None, **servers):
    return [
        Sample(case=case, server=server, value=value, server_cpu_s=server_cpu_s, client_cpu_s=client_cpu_s)
        for server, values in servers.items()
        for value in values
    ]


def test_a_ratio_at_the_target_is_met():
    verdict = judge(PeerTarget(case="down", at_least=1.3), samples(crossdock=[130], vsftpd=[100], proftpd=[50]))
    assert (verdict.word, verdict.measured) == ("met", "1.30 times vsftpd")


def test_as_good_as_the_peer_is_met_where_the_ranges_overlap():
    found = samples(crossdock=[80, 90, 105], vsftpd=[100, 110, 120])
    verdict = judge(PeerTarget(case="down", at_least=1.0), found)
    assert verdict.word == "met, within the spread"


@pytest.mark.parametrize("at_least", [0.9, 1.3])
def test_the_spread_excuses_no_other_target(at_least):
    found = samples(crossdock=[10, 80, 1000], vsftpd=[100, 110, 120])
    assert judge(PeerTarget(case="down", at_least=at_least), found).is_met is False


def test_a_miss_says_by_how_much():
    verdict = judge(PeerTarget(case="down", at_least=1.0), samples(crossdock=[75], vsftpd=[100]))
    assert verdict.word == "missed by 25%"


@pytest.mark.parametrize("found", [[], samples(crossdock=[1]), samples(vsftpd=[1])])
def test_what_was_not_measured_is_neither_met_nor_missed(found):
    verdict = judge(PeerTarget(case="down", at_least=1.0), found)
    assert (verdict.is_met, verdict.word) == (None, "not measured")


@pytest.mark.parametrize(("reached", "word"), [(1900, "met"), (1000, "missed by 45%")])
def test_two_streams_are_held_against_the_ceiling_of_one(reached, word):
    # 1 CPU second a GiB on two cores: 2 GiB/s, which is 2,147 MB/s.
    found = [*samples(server_cpu_s=0.6, client_cpu_s=0.4, crossdock=[900]), *samples("down-2", crossdock=[reached])]
    assert judge(CeilingTarget(case="down-2", single="down", at_least=0.85), found).word == word


def test_without_the_single_stream_there_is_no_ceiling_to_reach():
    verdict = judge(CeilingTarget(case="down-2", single="down", at_least=0.85), samples("down-2", crossdock=[1]))
    assert verdict.is_met is None


@pytest.mark.parametrize(("value", "word"), [(0.15, "met"), (0.2, "missed by 0%"), (0.3, "missed by 50%")])
def test_a_limit_is_crossdocks_own(value, word):
    target = LimitTarget(case="list-100000-first", at_most=0.2, unit="s")
    assert judge(target, samples("list-100000-first", crossdock=[value], vsftpd=[0.001])).word == word


def test_a_limit_without_a_figure_is_not_measured():
    assert judge(LimitTarget(case="x", at_most=1, unit="s"), []).word == "not measured"


def test_only_what_was_asked_for_is_judged():
    assert [verdict.case for verdict in judge_all(FTP.targets, [], ["up", "down"])] == ["down", "up"]


@pytest.mark.parametrize("suite", [FTP, SFTP, S3], ids=["ftp", "sftp", "s3"])
def test_every_target_is_of_a_case_that_a_whole_run_has(suite):
    kinds = {kind.case for case in suite.cases(suite.plan) for kind in case.kinds}
    assert {target.case for target in suite.targets} <= kinds
    assert {target.single for target in suite.targets if isinstance(target, CeilingTarget)} <= kinds


def test_a_target_may_name_the_peer_that_it_is_about():
    found = samples(crossdock=[150], openssh=[100], asyncssh=[1000])
    verdict = judge(PeerTarget(case="down", at_least=1.5, peer="openssh"), found)
    assert (verdict.word, verdict.promised) == ("met", "at least 1.5 times openssh")
    assert verdict.measured == "1.50 times openssh"
    without = judge(PeerTarget(case="down", at_least=1.5, peer="openssh"), samples(crossdock=[1], asyncssh=[1]))
    assert without.is_met is None


def test_every_peer_of_a_target_is_there():
    assert {target.peer for target in SFTP.targets if isinstance(target, PeerTarget)} <= set(SFTP.peers)
