"""Opinion scores of methods: a table for people, and JSON."""

from __future__ import annotations

import json

import numpy as np

from vidsr.quality.opinion.bradley_terry import Fit, chance, fit
from vidsr.quality.opinion.votes import Tally
from vidsr.quality.sheets.tables import table

TITLES = ("method", "score", "95 % interval", "preferred", "votes")


def opinion_markdown(tally: Tally) -> str:
    """Return a table of methods, the most preferred first, and what to know about it."""
    found, won = fit(tally.wins), tally.wins.sum(1)
    games = won + tally.wins.sum(0)
    lines = [
        [
            tally.methods[n],
            f"{found.scores[n]:+.2f}",
            f"{found.low[n]:+.2f} to {found.high[n]:+.2f}",
            f"{100 * won[n] / games[n]:.0f} %" if games[n] else "-",
            f"{games[n]:.0f}",
        ]
        for n in np.argsort(-found.scores, kind="stable")
    ]
    head = f"Opinions, {tally.votes} votes ({tally.same} the same) of {tally.raters} files:"
    return "\n\n".join([head, table(TITLES, lines), *notes(tally, found)])


def opinion_json(tally: Tally) -> str:
    """Return the scores, their intervals, the votes and the notes as a JSON object."""
    found = fit(tally.wins)
    methods = {
        name: {
            "score": round(float(found.scores[n]), 6),
            "low": round(float(found.low[n]), 6),
            "high": round(float(found.high[n]), 6),
            "against_mean": round(float(chance(found.scores)[n]), 6),
        }
        for n, name in enumerate(tally.methods)
    }
    return json.dumps(
        {
            "model": "Bradley-Terry",
            "votes": tally.votes,
            "same": tally.same,
            "raters": tally.raters,
            "methods": methods,
            "wins": {
                row: dict(zip(tally.methods, map(float, tally.wins[n]), strict=True))
                for n, row in enumerate(tally.methods)
            },
            "notes": notes(tally, found),
        },
        indent=2,
    )


def notes(tally: Tally, found: Fit) -> list[str]:
    """Return sentences on what the votes do not tell."""
    said = []
    if len(found.groups) > 1:
        groups = "; ".join(", ".join(tally.methods[n] for n in group) for group in found.groups)
        said.append(f"No vote links these groups, whose scores cannot be compared: {groups}.")
    won, lost = tally.wins.sum(1), tally.wins.sum(0)
    for names, what in ((_only(tally, won, lost), "lost"), (_only(tally, lost, won), "won")):
        if names:
            said.append(f"Never {what}: {', '.join(names)}.")
    if not found.finite:
        said.append(
            "The votes alone have no finite answer: each method was given one vote more, half won "
            "and half lost against one of score 0."
        )
    return said


def _only(tally: Tally, some: np.ndarray, none: np.ndarray) -> list[str]:
    return [m for n, m in enumerate(tally.methods) if some[n] > 0 and none[n] == 0]
