"""The parts of a report: sections of sentences, figures and tables, before they become HTML or Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

MISSING: Final = "–"
_LONG_TABLE: Final = 12
_PLAIN_BELOW: Final = 100.0


@dataclass(frozen=True)
class Cell:
    """One cell of a table, `strong` where it is the best of its column."""

    text: str
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """A table whose first column heads its rows; `folded` ones open on demand."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    folded: bool = False


@dataclass(frozen=True)
class Picture:
    """A figure with the sentence that says what it shows."""

    name: str
    figure: go.Figure
    description: str


@dataclass(frozen=True)
class Section:
    """A titled part of the report; `points` are shown as a list."""

    title: str
    paragraphs: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()

    @property
    def anchor(self) -> str:
        """Return the name that links to the section."""
        return "-".join("".join(mark if mark.isalnum() else " " for mark in self.title.lower()).split())


def format_share(value: float) -> str:
    """Return a share in per cent: 0.6123 becomes `61.2 %`."""
    return f"{100 * value:.1f} %"


def format_interval(value: float, low: float, high: float, *, form: str = "{:.3f}") -> str:
    """Return a value with its interval: `0.612 [0.590, 0.634]`; without one only the value."""
    if np.isnan(value):
        return MISSING
    text = form.format(value)
    return text if np.isnan(low) else f"{text} [{form.format(low)}, {form.format(high)}]"


def format_value(value: object) -> str:
    """Return any plain value as a person reads it."""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (int, np.integer)):
        return f"{value:,}"
    if isinstance(value, (float, np.floating)):
        return _format_number(float(value))
    if isinstance(value, (list, tuple, set, frozenset, np.ndarray)):
        return ", ".join(format_value(one) for one in value) or MISSING
    return MISSING if value is None or value == "" else str(value)


def _format_number(value: float) -> str:
    """Return a measure with three decimals, a large number with one."""
    if np.isnan(value):
        return MISSING
    return f"{value:.3f}" if abs(value) < _PLAIN_BELOW else f"{value:,.1f}"


def table_of_frame(frame: pd.DataFrame, caption: str, *, best: Iterable[str] = ()) -> Table:
    """Return a frame as a table; the highest value of each column in `best` is strong."""
    top = {name: frame[name].max() for name in best if name in frame.columns}
    rows = tuple(
        tuple(Cell(format_value(value), name in top and value == top[name]) for name, value in row.items())
        for row in frame.to_dict("records")
    )
    columns = tuple(str(name).replace("_", " ") for name in frame.columns)
    return Table(caption, columns, rows, folded=len(rows) > _LONG_TABLE)


def table_of_estimates(
    rows: pd.DataFrame,
    across: str,
    labels: Mapping[str, str],
    caption: str,
    *,
    down: str = "system",
    best_of: Literal["column", "row"] = "column",
) -> Table:
    """Return estimates with intervals, `down` by `across`, the best of each column or row strong.

    Args:
        rows: Columns `value`, `low`, `high`, perhaps `queries`, and the two named by `down` and `across`.
        across: The column whose values become columns.
        labels: Values of `across`, in order -> the heading; those without rows are left out.
        caption: Of the table.
        down: The column whose values become rows.
        best_of: Whether the best of each column is strong, or that of each row.
    """
    present = set(rows[across])
    keys = [key for key in labels if key in present]
    grouped = across if best_of == "column" else down
    best = {
        name: values.max() if values.nunique() > 1 else np.inf
        for name, values in rows.groupby(grouped)["value"]
    }
    cells = {}
    for head, key, value, low, high in rows[[down, across, "value", "low", "high"]].itertuples(index=False):
        top = best[key if best_of == "column" else head]
        cells[head, key] = Cell(format_interval(value, low, high), value >= top)
    body = tuple(
        (Cell(str(head)), *(cells.get((head, key), Cell(MISSING)) for key in keys))
        for head in dict.fromkeys(rows[down])
    )
    heads = _heads_with_counts(rows, across, {key: labels[key] for key in keys})
    return Table(caption, (down.replace("_", " "), *heads), body)


def _heads_with_counts(rows: pd.DataFrame, across: str, labels: Mapping[str, str]) -> list[str]:
    """Return the headings, with the number of queries where it is known and differs between columns."""
    counts = dict(zip(rows[across], rows["queries"], strict=True)) if "queries" in rows.columns else {}
    if len(set(counts.values())) <= 1:
        return list(labels.values())
    return [f"{label} (n = {counts[key]:,})" for key, label in labels.items()]


def tables_of_facts(facts: Mapping[str, Any], caption: str) -> tuple[Table, ...]:
    """Return nested facts as tables: plain ones together, then one table for each nested part."""
    parts = {name: _flatten(value) for name, value in facts.items() if _is_nested(value)}
    plain = {name: value for name, value in facts.items() if name not in parts}
    tables = [_table_of_values(plain, caption)] if plain else []
    tables += [_table_of_values(part, f"{caption}: {_label(name)}") for name, part in parts.items() if part]
    return tuple(tables)


def _is_nested(value: object) -> bool:
    """Tell whether a fact holds further facts."""
    return isinstance(value, Mapping) or (
        isinstance(value, Sequence) and not isinstance(value, str) and any(map(_is_nested, value))
    )


def _flatten(value: Mapping[str, Any] | Sequence[Any]) -> dict[str, Any]:
    """Return nested facts under their paths."""
    items = value.items() if isinstance(value, Mapping) else enumerate(value, start=1)
    flat: dict[str, Any] = {}
    for name, part in items:
        if _is_nested(part):
            flat |= {f"{name} / {path}": leaf for path, leaf in _flatten(part).items()}
        else:
            flat[str(name)] = part
    return flat


def _table_of_values(facts: Mapping[str, Any], caption: str) -> Table:
    """Return names and values as a table of two columns."""
    rows = tuple((Cell(_label(name)), Cell(format_value(value))) for name, value in facts.items())
    return Table(caption, ("fact", "value"), rows, folded=len(rows) > _LONG_TABLE)


def _label(name: str) -> str:
    """Return a name of a fact as words."""
    return str(name).replace("_", " ")
