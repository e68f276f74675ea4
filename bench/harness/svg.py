"""A plot of grouped bars, as SVG. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

BAR, GAP, GROUP_GAP = 16, 3, 18
LEFT, WIDTH, RIGHT, TOP = 190, 440, 90, 64
COLOURS = ("#2f6fb0", "#8a8f98", "#b7791f", "#5b8c5a", "#9b5b8c", "#6b7280")
"""The first is Crossdock's; all can be read on white and on black."""
TEXT = 'font-family="system-ui, sans-serif" fill="#6e7781"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """One group: a title, and a value for each name; names that are not there have no bar."""

    title: str
    values: Mapping[str, float]


def plot(title: str, unit: str, groups: Sequence[Bars]) -> str:
    names = list(dict.fromkeys(name for group in groups for name in group.values))
    colours = {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(names)}
    longest = max((value for group in groups for value in group.values.values()), default=0.0) or 1.0
    shapes, top = _legend(colours), TOP
    for group in groups:
        shapes.append(_text(LEFT - 8, top + BAR - 4, group.title, anchor="end"))
        for name, value in group.values.items():
            length = value / longest * WIDTH
            shapes.append(_bar(top, length, colours[name], f"{group.title}, {name}: {value:,.3g} {unit}"))
            shapes.append(_text(LEFT + length + 6, top + BAR - 4, _number(value)))
            top += BAR + GAP
        top += GROUP_GAP
    width, height = LEFT + WIDTH + RIGHT, top
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img">'
    )
    caption = f"{title}, {unit}"
    return "\n".join([head, f"<title>{escape(caption)}</title>", _text(8, 20, caption, size=15), *shapes, "</svg>\n"])


def _legend(colours: Mapping[str, str]) -> list[str]:
    shapes, left = [], 8
    for name, colour in colours.items():
        shapes.append(f'<rect x="{left}" y="34" width="11" height="11" fill="{colour}"/>')
        shapes.append(_text(left + 16, 44, name))
        left += 32 + 8 * len(name)
    return shapes


def _bar(top: float, length: float, colour: str, told: str) -> str:
    shape = f'<rect x="{LEFT}" y="{top}" width="{length:.1f}" height="{BAR}" fill="{colour}">'
    return f"{shape}<title>{escape(told)}</title></rect>"


def _text(left: float, baseline: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    where = f'x="{left:.1f}" y="{baseline:.1f}" text-anchor="{anchor}" font-size="{size}"'
    return f"<text {where} {TEXT}>{escape(text)}</text>"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
