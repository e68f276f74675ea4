"""The rules of the house that no linter knows."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "crossdock"
FILES = sorted(SOURCE.rglob("*.py"))
MAX_LINES = 400
MAX_METHODS = 15
FORBIDDEN_NAMES = {"utils.py", "helpers.py", "common.py", "manager.py", "base.py", "misc.py"}


def classes(path: Path):
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)]


def is_protocol(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).split("[")[0].split(".")[-1] in ("Protocol", "Structural") for base in node.bases)


def methods(node: ast.ClassDef):
    return [item for item in node.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_file_does_one_thing_and_says_what(path):
    text = path.read_text()
    assert len(text.splitlines()) <= MAX_LINES
    assert ast.get_docstring(ast.parse(text)), "every module has a docstring"
    assert path.name not in FORBIDDEN_NAMES


def test_no_class_knows_everything():
    big = [f"{path}:{node.name}" for path in FILES for node in classes(path) if len(methods(node)) > MAX_METHODS]
    assert big == []


def test_a_port_has_at_most_eight_methods():
    ports = [(path, node) for path in (SOURCE / "ports").glob("*.py") for node in classes(path) if is_protocol(node)]
    assert ports
    wide = [f"{path.name}:{node.name}" for path, node in ports if len(methods(node)) > 8]
    assert wide == []


def test_inheritance_is_one_deep():
    """A class may inherit from one of ours, if that one inherits from none of ours. Exceptions and ports may go on."""
    parents = {
        node.name: [ast.unparse(base).split("[")[0] for base in node.bases]
        for path in FILES
        for node in classes(path)
        if not is_exception(node) and not is_protocol(node)
    }
    deep = [
        name
        for name, bases in parents.items()
        for base in bases
        if any(grandparent in parents and grandparent != name for grandparent in parents.get(base, []))
    ]
    assert deep == []


def is_exception(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).endswith(("Error", "Exception")) for base in node.bases) or node.name.endswith("Error")


def test_importing_the_command_is_light():
    """`crossdock env` must not wait for a server's imports."""
    heavy = ["aiohttp", "sqlalchemy", "botocore", "aiobotocore"]
    code = f"import crossdock.cli, crossdock.cli.env, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_service_without_aws_does_not_import_its_clients():
    """They take 6 MB and a quarter of a second; a gateway in front of AWS, or an attached bucket, imports them."""
    code = "import crossdock.app.run, sys; print('aiobotocore' in sys.modules, 'botocore.client' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False False"


def test_the_project_names_no_package_host():
    """Where packages come from is the reader's own setting."""
    texts = [*ROOT.glob("*.lock"), *ROOT.glob("*.toml"), *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    assert texts
    named = [path.name for path in texts if "pypi.org" in path.read_text() or "pythonhosted" in path.read_text()]
    assert named == []
