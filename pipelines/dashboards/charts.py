"""Numbers over time and shares -> SVG, drawn by pygal (https://www.pygal.org, tested with 3.1.3).

Of what pygal draws only shapes, texts and links stay: no style, no script, nothing that a strict policy of a page
would refuse. Colours come from the page's own style sheet by pygal's class names, so a dark page has dark charts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree
from markupsafe import Markup

from schemas.dashboards.spec import Kind

_WIDTH, _HEIGHT = 720, 240
_LABELS = 6
_HREF = "{http://www.w3.org/1999/xlink}href"
_ELEMENTS = frozenset({"svg", "g", "path", "rect", "circle", "line", "text", "tspan", "a"})
_PLACES = frozenset({"x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "width", "height", "d", "points"})
_ATTRIBUTES = _PLACES | {"class", "transform", "viewBox", "preserveAspectRatio"}
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold (https://www.w3.org/TR/xml/#charsets)."""
_UNUSED = frozenset({"tooltip-overlay", "text-overlay", "titles", "legends", "background"})


@dataclass(frozen=True, slots=True)
class ChartPoint:
    """One point, bar or slice.

    Attributes:
        value: its number; None for a gap.
        text: what it says when it is pointed at.
        href: where a click leads; empty for nowhere.
    """

    value: float | None
    text: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class ChartSeries:
    """One line, layer or colour: its name and its points, as many as the chart has steps."""

    name: str
    points: tuple[ChartPoint, ...]


def chart(kind: Kind, steps: Sequence[str], series: Sequence[ChartSeries]) -> Markup:
    """Draw a chart; empty where there is nothing to draw.

    Args:
        kind: line, area, bar or donut.
        steps: names of the steps along the chart, one for a donut.
        series: what is drawn, in the order of their colours.
    """
    drawn = [each for each in series if any(point.value for point in each.points)]
    if not drawn:
        return Markup()
    canvas = _canvas(kind, steps)
    for each in series:
        canvas.add(each.name, [_point(point) for point in each.points])
    tree = canvas.render_tree()
    _strip(tree)
    tree.set("role", "presentation")
    tree.set("aria-hidden", "true")
    tree.set("focusable", "false")
    # Made of elements and attributes of the two lists above; texts and addresses are escaped by lxml.
    return Markup(etree.tostring(tree, encoding="unicode"))  # noqa: S704


def _canvas(kind: Kind, steps: Sequence[str]) -> Any:  # noqa: ANN401 - pygal has no types
    import pygal

    common: dict[str, Any] = {"js": (), "no_prefix": True, "show_legend": False, "margin": 6, "height": _HEIGHT}
    if kind is Kind.DONUT:
        return pygal.Pie(inner_radius=0.55, width=_HEIGHT, **common)
    every = max(1, -(-len(steps) // _LABELS))
    over_time = common | {"width": _WIDTH, "show_minor_x_labels": False, "include_x_axis": True, "min_scale": 2}
    over_time |= {"max_scale": 5, "truncate_label": -1, "x_labels": list(steps), "x_labels_major": list(steps[::every])}
    makers = {
        Kind.LINE: lambda: pygal.Line(dots_size=2, allow_interruptions=True, **over_time),
        Kind.AREA: lambda: pygal.StackedLine(fill=True, dots_size=2, **over_time),
        Kind.BAR: lambda: pygal.StackedBar(**over_time),
    }
    return makers[kind]()


def _point(point: ChartPoint) -> dict[str, Any]:
    return {"value": point.value, "label": _NO_XML.sub("\N{REPLACEMENT CHARACTER}", point.text)} | (
        {"xlink": point.href} if point.href else {}
    )


def _strip(tree: Any) -> None:  # noqa: ANN401 - lxml's element
    """Leave shapes, texts and links; what pygal says in `desc` for its script becomes a title that browsers show."""
    for element in list(tree.iter()):
        parent = element.getparent()
        # Comments have a function in the place of a name.
        name = etree.QName(element).localname if isinstance(element.tag, str) else ""
        if name == "desc":
            if element.get("class") == "label":
                etree.SubElement(parent, "title").text = element.text
            parent.remove(element)
        elif name not in _ELEMENTS or _UNUSED & set(element.get("class", "").split()):
            if parent is not None:
                parent.remove(element)
        else:
            _strip_attributes(element)


def _strip_attributes(element: Any) -> None:  # noqa: ANN401 - lxml's element
    href = element.get(_HREF, "")
    for name in list(element.attrib):
        if name not in _ATTRIBUTES:
            del element.attrib[name]
    # Our own searches alone; a reader who goes by keyboard has the same links in the table below.
    if href.startswith("/"):
        element.set("href", href)
        element.set("tabindex", "-1")
