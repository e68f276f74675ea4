"""Every source file has tests that reach it.

A module counts as tested when a test (or a fake, which is there for tests) imports it, or when modules of its own
package that a test imports lead to it: `cloud/s3/copy.py` is reached by tests that call S3's table as clients do. The
few that no test can reach so are listed with the reason.
"""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
TESTS = ROOT / "tests"
SPANNING = {"architecture", "bench", "contract", "e2e", "fakes", "judge"}
"""Folders of tests that belong to no one folder of the source."""

EXCEPT = {
    "crossdock.__main__": "one call, made by every test that starts `python -m crossdock`",
    "crossdock.adapters.host.functions.launcher": "runs in a function's own process, started by the runner's tests",
    "crossdock.adapters.host.functions.runtime": "runs in a function's own process, started by the runner's tests",
    "crossdock.api": "the HTTP edge: tests/e2e speaks to it with boto3, curl and the aws command",
    "crossdock.app": "puts everything together: tests/e2e starts it as a process",
    "crossdock.cli.demo": "its parts are in tests/cli; tests/e2e plays it",
    "crossdock.examples.article": "the demo and tests/e2e play it",
}
"""Modules, and packages with all that is in them."""


def module_of(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> set[str]:
    """Every module that an import may mean, and those that are named to be imported later, as commands are."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


MODULES = {module_of(path): path for path in SOURCE.rglob("*.py")}


def package_of(module: str) -> str:
    """`crossdock.cloud.s3` for all that is in it; `crossdock.ftp` likewise."""
    parts = module.split(".")
    return ".".join(parts[: 3 if parts[1:2] in (["cloud"], ["adapters"]) else 2])


def reached() -> set[str]:
    imports = {module: imports_of(path) & MODULES.keys() for module, path in MODULES.items()}
    tests = [path for path in TESTS.rglob("*.py") if "architecture" not in path.parts]
    waiting = list(set().union(*(imports_of(path) for path in tests)) & MODULES.keys())
    found: set[str] = set()
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting.extend(other for other in imports[module] if package_of(other) == package_of(module))
    return found


def is_excepted(module: str) -> bool:
    return any(module == listed or module.startswith(listed + ".") for listed in EXCEPT)


def test_every_source_file_has_a_test_that_reaches_it():
    """Where one has none: write it, or add the module to EXCEPT with the reason."""
    with_code = {module for module, path in MODULES.items() if path.name != "__init__.py"}
    assert sorted(module for module in with_code - reached() if not is_excepted(module)) == []


def test_what_is_excepted_is_there_and_has_a_reason():
    assert [listed for listed, reason in EXCEPT.items() if listed not in MODULES or not reason] == []


def test_tests_mirror_the_source():
    folders = {path.parent.relative_to(TESTS) for path in TESTS.rglob("test_*.py")}
    own = {folder for folder in folders if folder.parts[0] not in SPANNING}
    # The functions of a host are tested beside it, for their processes need more of the machine.
    elsewhere = {folder for folder in own if not (SOURCE / "crossdock" / folder).is_dir()} - {
        Path("adapters/functions")
    }
    assert elsewhere == set()
