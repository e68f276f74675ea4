"""What a run found, for people and for programs; nothing in it is secret, so that it can be attached to an issue."""

import json
import platform
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path


class Outcome(StrEnum):
    """UNSEEN is no failure, and nothing that was shown."""

    OK = "ok"
    UNSEEN = "unseen"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`told` is what was seen, why it is wrong, or why it could not be seen."""

    name: str
    outcome: Outcome
    seconds: float
    told: str


@dataclass(slots=True, kw_only=True)
class Report:
    """`hidden` are texts that stand for something else, such as account ids."""

    run: str
    began_at: str
    region: str
    endpoint: str
    hidden: dict[str, str]
    steps: list[Step] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    log: str = ""

    @property
    def passed(self) -> bool:
        """Nothing is wrong, of what could be seen."""
        return self.count(Outcome.OK) > 0 and not self.count(Outcome.FAILED)

    def count(self, outcome: Outcome) -> int:
        return sum(step.outcome is outcome for step in self.steps)

    def write(self, folder: Path) -> tuple[Path, Path]:
        folder.mkdir(parents=True, exist_ok=True)
        paths = folder / f"test-aws-{self.run}.md", folder / f"test-aws-{self.run}.json"
        for path, text in zip(paths, (self.markdown(), self.json()), strict=True):
            path.write_text(self.hide(text), encoding="utf-8")
        return paths

    def hide(self, text: str) -> str:
        for secret, placeholder in self.hidden.items():
            text = text.replace(secret, placeholder)
        return text

    def markdown(self) -> str:
        unseen = f", {self.count(Outcome.UNSEEN)} could not be seen" if self.count(Outcome.UNSEEN) else ""
        good = f"{self.count(Outcome.OK)} of {len(self.steps)} steps"
        lines = [
            f"# Crossdock on AWS: {'passed' if self.passed else 'FAILED'}, {good}{unseen}",
            "",
            *(f"- {name}: {value}" for name, value in self.facts().items()),
            "",
            "| step | | seconds | seen |",
            "|---|---|---|---|",
            *(
                f"| {step.name} | {_MARKED.get(step.outcome, step.outcome)} | {step.seconds:.1f} | {_cell(step.told)} |"
                for step in self.steps
            ),
            "",
            f"Deleted afterwards: {', '.join(self.deleted) or 'nothing'}.",
        ]
        if self.log and not self.passed:
            lines += ["", "The end of the gateway's log:", "", "```", self.log[-4000:], "```"]
        return "\n".join(lines) + "\n"

    def json(self) -> str:
        facts = {"run": self.run, "passed": self.passed, **self.facts()}
        return json.dumps({**facts, "steps": [asdict(s) for s in self.steps], "deleted": self.deleted}, indent=2) + "\n"

    def facts(self) -> dict[str, str]:
        return {
            "began": self.began_at,
            "region": self.region,
            "endpoint": self.endpoint,
            "crossdock": version("crossdock"),
            "botocore": version("botocore"),
            "python": platform.python_version(),
            "system": platform.platform(),
        }


_MARKED = {Outcome.FAILED: "**failed**"}


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")[:300]
