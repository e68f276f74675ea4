"""Pages that are generated say what the code says, and every page leads somewhere."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

from crossdock.settings import load_settings, setting_rows

ROOT = Path(__file__).resolve().parents[2]


def load_script():
    spec = importlib.util.spec_from_file_location("generate_docs", ROOT / "scripts" / "generate_docs.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


SCRIPT = load_script()
PAGES = SCRIPT.pages()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_generated_page_is_what_the_code_says(path):
    assert path.exists(), "run `make docs`"
    assert path.read_text(encoding="utf-8") == PAGES[path], "run `make docs`"


def test_every_setting_is_documented_with_its_variable():
    page = PAGES[ROOT / "docs" / "settings.md"]
    for row in setting_rows():
        assert f"`{row.name}`<br>`{row.variable}`" in page


def test_the_example_of_the_settings_is_one_that_can_be_used(tmp_path):
    page = PAGES[ROOT / "docs" / "settings.md"]
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert tomllib.loads(example)
    (tmp_path / "crossdock.toml").write_text(example, encoding="utf-8")
    assert load_settings(tmp_path / "crossdock.toml", environment={}).ftp_port == 21


def test_every_operation_that_is_implemented_is_listed():
    page = PAGES[ROOT / "docs" / "coverage.md"]
    for table in SCRIPT.service_tables():
        section = page.partition(f'<a id="{table.service}">')[2].partition("<details>")[0]
        listed = re.findall(r"^- (\w+)", section, re.MULTILINE)
        assert listed == sorted(table.operations)
