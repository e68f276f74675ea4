"""Names in a file of settings that are none, and numbers for what is a text elsewhere."""

import re
from pathlib import Path

import pytest

from crossdock.settings import BadSetting, Settings, load_settings


def from_file(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "crossdock.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, environment={})


def refused_file(tmp_path: Path, text: str) -> str:
    with pytest.raises(BadSetting) as refusal:
        from_file(tmp_path, text)
    return str(refusal.value).removeprefix(f"{tmp_path / 'crossdock.toml'}: ")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ('regoin = "eu-west-1"\n', "region"),
        ("[fpt]\nidle_timeout_s = 600\n", r"\[ftp\]"),
        ("[ftp]\nidle_timeout = 600\n", "idle_timeout_s"),
        ("ftp_prot = 2121\n", "ftp_port"),
        ('[acounts]\nhub = "111111111111"\n', "accounts"),
    ],
)
def test_the_name_that_is_nearest_to_an_unknown_one_is_told(tmp_path, text, meant):
    assert re.search(rf"unknown setting '\w+': perhaps {meant} is meant \(known: ", refused_file(tmp_path, text))


def test_where_none_is_near_none_is_told(tmp_path):
    assert "perhaps" not in refused_file(tmp_path, "[gopher]\nport = 70\n")


@pytest.mark.parametrize(
    ("written", "found"), [("0", "0"), ('"0"', "0"), ("9000", "9000"), ('"9000-9001"', "9000-9001")]
)
def test_passive_ports_may_be_a_number(tmp_path, written, found):
    assert from_file(tmp_path, f"passive_ports = {written}\n").passive_ports == found


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("true", "passive_ports must be a range of ports in quotes, or a number, not True"),
        ("-1", "passive_ports: must be a range of ports such as 8192-8200, or 0"),
        ("70000", "passive_ports: must be a range of ports such as 8192-8200, or 0"),
    ],
)
def test_passive_ports_that_are_none_are_refused(tmp_path, written, sentence):
    assert refused_file(tmp_path, f"passive_ports = {written}\n").startswith(sentence)
