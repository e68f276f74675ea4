"""The security policies of servers, and that OpenSSL knows what they mean for TLS."""

import ssl

import pytest

from crossdock.core.security_policies import CONNECTOR_SECURITY_POLICIES, DEFAULT_SECURITY_POLICY, SECURITY_POLICIES
from crossdock.core.tls_policies import tls_policy

NAMES = list(SECURITY_POLICIES)


def ciphers_of(name: str) -> list[str]:
    """What OpenSSL makes of a policy's list, TLS 1.3 left out."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(tls_policy(name).ciphers)
    return [one["name"] for one in context.get_ciphers() if one["protocol"] != "TLSv1.3"]


@pytest.mark.parametrize("name", NAMES)
def test_openssl_takes_every_suite_of_a_policy_one_by_one(name):
    policy = tls_policy(name)
    suites = policy.ciphers.split(":")
    assert len(suites) == len(SECURITY_POLICIES[name].tls_ciphers)
    for suite in suites:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers(suite)
        assert suite in [one["name"] for one in context.get_ciphers()]
    assert ciphers_of(name) == suites


@pytest.mark.parametrize("name", NAMES)
def test_python_knows_the_oldest_version_of_a_policy(name):
    assert ssl.TLSVersion[tls_policy(name).min_version.replace(".", "_")] is ssl.TLSVersion.TLSv1_2


def test_gcm_with_ephemeral_keys_comes_first_and_static_rsa_only_in_the_oldest():
    assert ciphers_of(DEFAULT_SECURITY_POLICY)[0] == "ECDHE-ECDSA-AES256-GCM-SHA384"
    with_static_rsa = [name for name in NAMES if "AES128-SHA256" in ciphers_of(name)]
    assert with_static_rsa == ["TransferSecurityPolicy-2018-11", "TransferSecurityPolicy-Restricted-2018-11"]
    assert ciphers_of("TransferSecurityPolicy-2018-11")[-2:] == ["AES256-SHA256", "AES128-SHA256"]


def test_a_name_that_is_none_has_no_policy():
    with pytest.raises(KeyError):
        tls_policy("TransferSecurityPolicy-1999-01")


def test_policies_are_in_the_order_of_their_names_and_have_each_algorithm_once():
    assert sorted(NAMES) == NAMES
    for policy in (*SECURITY_POLICIES.values(), *CONNECTOR_SECURITY_POLICIES.values()):
        for algorithms in (policy.ssh_ciphers, policy.ssh_kexs, policy.ssh_macs, policy.ssh_host_keys):
            assert algorithms
            assert len(set(algorithms)) == len(algorithms)
        assert len(set(policy.tls_ciphers)) == len(policy.tls_ciphers)


def test_servers_have_suites_of_tls_and_connectors_none():
    assert all(policy.tls_ciphers for policy in SECURITY_POLICIES.values())
    assert not any(policy.tls_ciphers for policy in CONNECTOR_SECURITY_POLICIES.values())


def test_rsa_with_sha1_signs_only_under_the_policies_that_the_guide_names():
    named = [policy.name for policy in SECURITY_POLICIES.values() if "ssh-rsa" in policy.ssh_host_keys]
    assert named == [
        f"TransferSecurityPolicy-{name}"
        for name in ("2018-11", "2020-06", "FIPS-2020-06", "FIPS-2023-05", "FIPS-2024-01")
    ]
    for policy in SECURITY_POLICIES.values():
        assert {"rsa-sha2-256", "rsa-sha2-512", "ssh-ed25519"} < set(policy.ssh_host_keys)


def test_connectors_take_no_host_keys_of_ed25519():
    for policy in CONNECTOR_SECURITY_POLICIES.values():
        assert "ssh-ed25519" not in policy.ssh_host_keys


@pytest.mark.parametrize("year", ["2018-11", "2020-06"])
def test_a_restricted_policy_has_no_chacha20_and_else_the_same_ciphers(year):
    plain = SECURITY_POLICIES[f"TransferSecurityPolicy-{year}"]
    restricted = SECURITY_POLICIES[f"TransferSecurityPolicy-Restricted-{year}"]
    assert plain.ssh_ciphers == ("chacha20-poly1305@openssh.com", *restricted.ssh_ciphers)
    assert (plain.ssh_kexs, plain.ssh_macs) == (restricted.ssh_kexs, restricted.ssh_macs)


def test_the_default_is_in_the_order_of_the_guide():
    policy = SECURITY_POLICIES[DEFAULT_SECURITY_POLICY]
    assert policy.name == "TransferSecurityPolicy-2024-01"
    assert policy.ssh_ciphers[:2] == ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
    assert policy.ssh_kexs == (
        "ecdh-sha2-nistp256",
        "ecdh-sha2-nistp384",
        "ecdh-sha2-nistp521",
        "curve25519-sha256",
        "curve25519-sha256@libssh.org",
        "diffie-hellman-group18-sha512",
        "diffie-hellman-group16-sha512",
        "diffie-hellman-group-exchange-sha256",
    )


def test_what_fips_does_not_approve_is_in_no_policy_for_it():
    fips = [policy for policy in SECURITY_POLICIES.values() if policy.is_fips]
    assert {policy.name for policy in fips} == {name for name in NAMES if "FIPS" in name}
    for policy in fips:
        everything = (*policy.ssh_ciphers, *policy.ssh_kexs, *policy.ssh_macs, *policy.tls_ciphers)
        assert not [one for one in everything if one.startswith(("chacha20", "curve25519", "umac")) or "sha1" in one]
