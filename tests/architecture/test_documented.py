"""What operators and developers meet is written down: pages lead somewhere, commands and errors are described."""

import ast
import re
from pathlib import Path

import pytest

from crossdock.cli.main import COMMANDS
from crossdock.core import errors

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "crossdock"
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def links(page: Path):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:|#", target):
            yield target.partition("#")[0]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_page(page):
    assert [target for target in links(page) if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_shown_to_operators(command):
    shown = (ROOT / "README.md").read_text(encoding="utf-8") + (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    assert re.search(rf"\bcrossdock {command}\b", shown)


def test_every_option_of_the_manual_is_one_of_the_commands():
    settings = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    manual = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:login|ftp|lambda|logs|api)\.\w+)`", manual)) - {"logs.db"}
    assert named
    for name in named:
        section, _, setting = name.partition(".")
        assert f"`{setting}`<br>`CROSSDOCK_{section.upper()}_{setting.upper()}`" in settings, name
    for name in ("host", "ftp_port", "passive_ports", "drain_timeout", "key_file"):
        assert f"`{name}`" in manual
        assert f"`{name}`<br>" in settings


def error_classes():
    """Every error of ours: what inherits, by name, from one of ours."""
    found = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    nodes = [
        (path, node)
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    grew = True
    while grew:
        ours = {node.name for _, node in nodes if found & {ast.unparse(base).split(".")[-1] for base in node.bases}}
        grew = not ours <= found
        found |= ours
    return [(path, node) for path, node in nodes if node.name in found]


def test_every_error_says_what_it_means():
    """In a docstring of its own, or in the tree of `core/errors.py`."""
    tree = errors.__doc__ or ""
    classes = error_classes()
    assert len(classes) > 20
    silent = [
        f"{path.relative_to(SOURCE)}:{node.name}"
        for path, node in classes
        if not ast.get_docstring(node)
        and not re.search(rf"\b{node.name}\b", tree)
        and not any(isinstance(item, ast.FunctionDef) and item.name == "__init__" for item in node.body)
    ]
    assert silent == []
