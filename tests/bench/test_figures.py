"""Medians, ranges and ratios."""

import pytest
from bench.harness.figures import GIB, Sample, best_ratio, ceiling_mb_s, compare, median_or_none, ratio, rows, spread


def samples(case="down", **servers):
    return [Sample(case=case, server=server, value=value) for server, values in servers.items() for value in values]


def test_a_spread_has_the_median_and_both_ends():
    found = spread([3.0, 1.0, 2.0, 10.0])
    assert (found.median, found.low, found.high) == (2.5, 1.0, 10.0)


def test_what_is_not_known_does_not_count():
    assert median_or_none([None, 2.0, None, 4.0]) == 3.0
    assert median_or_none([None]) is None


def test_rows_gather_the_runs_of_a_case_server_by_server():
    found = rows([*samples(crossdock=[1, 3], vsftpd=[2]), *samples("up", crossdock=[9])], "down")
    assert [(row.server, row.runs, row.value.median) for row in found] == [("crossdock", 2, 2), ("vsftpd", 1, 2)]


def test_a_row_tells_the_most_foreign_load_of_its_runs():
    found = [Sample(case="down", server="a", value=1, foreign=share) for share in (0.0, 0.3, 0.1)]
    assert rows(found, "down")[0].foreign == 0.3


@pytest.mark.parametrize(("more_is_better", "best", "expected"), [(True, "b", 0.5), (False, "a", 0.25)])
def test_the_best_peer_is_the_one_that_is_hardest_to_beat(more_is_better, best, expected):
    found = compare(rows(samples(crossdock=[4], a=[1], b=[8]), "down"), more_is_better=more_is_better)
    assert found.best.server == best
    assert found.ratio == expected


def test_without_a_peer_there_is_no_ratio():
    found = compare(rows(samples(crossdock=[4]), "down"), more_is_better=True)
    assert found.best is None
    assert found.ratio is None
    assert best_ratio(found, more_is_better=True) is None


def test_without_crossdock_there_is_no_comparison():
    assert compare(rows(samples(vsftpd=[4]), "down"), more_is_better=True) is None


@pytest.mark.parametrize(("own", "peer"), [(0.0, 1.0), (1.0, 0.0), (1.0, -1.3)])
def test_noise_around_nothing_has_no_ratio(own, peer):
    assert ratio(own, peer, more_is_better=False) is None


@pytest.mark.parametrize(("more_is_better", "expected"), [(True, 1.5), (False, 2.0)])
def test_the_best_ratio_sets_our_best_run_against_the_peers_worst(more_is_better, expected):
    found = compare(rows(samples(crossdock=[2, 3], vsftpd=[2, 4]), "down"), more_is_better=more_is_better)
    assert best_ratio(found, more_is_better=more_is_better) == expected


def test_the_ceiling_of_two_streams_is_both_cores_at_the_cost_of_one_stream():
    found = rows([Sample(case="down", server="a", value=1, server_cpu_s=0.6, client_cpu_s=0.4)], "down")
    assert ceiling_mb_s(found[0]) == pytest.approx(2 * GIB / 1e6)


def test_without_the_clients_cost_there_is_no_ceiling():
    found = rows([Sample(case="down", server="a", value=1, server_cpu_s=0.6)], "down")
    assert ceiling_mb_s(found[0]) is None
