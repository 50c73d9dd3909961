"""What became of a mailing list's rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from retention.customers.models import Channel, Purpose
from retention.customers.standing import standing
from retention.ingest.lists.rows import Person

SHOWN = 1_000
MAIL = (Channel.EMAIL, Purpose.MARKETING)


@dataclass
class ListResult:
    """What became of a file: rows read = accepted + same + rejected."""

    format: str
    read: int = 0
    accepted: int = 0
    same: int = 0
    rejected: int = 0
    people_new: int = 0
    people_changed: int = 0
    people_same: int = 0
    # People who refused, and of whom the file says that they are subscribed: they stay as they are.
    people_kept_out: int = 0
    # Rows with a text that was too long for its field.
    cut: int = 0
    # The first ones: line and reason.
    rejected_rows: list[tuple[int, str]] = field(default_factory=list)
    # Those of the present chunk, all of them.
    rejected_now: list[tuple[int, str]] = field(default_factory=list)
    # What the usable rows say of marketing e-mails; "" where they say nothing.
    said: dict[str, int] = field(default_factory=dict)
    # The last line that was dealt with: a stopped import goes on after it.
    line: int = 0

    def reject(self, line: int, reason: str) -> None:
        self.read += 1
        self.rejected += 1
        self.rejected_now.append((line, reason))
        if len(self.rejected_rows) < SHOWN:
            self.rejected_rows.append((line, reason))

    def hear(self, row: Person) -> None:
        self.cut += row.cut
        heard = [one for one in row.evidence if (one.channel, one.purpose) == MAIL]
        now = standing(heard)
        said = now.status if now else ""
        self.said[said] = self.said.get(said, 0) + 1

    def as_json(self) -> dict[str, Any]:
        told = asdict(self)
        return {
            "format": self.format,
            "rows": {name: told[name] for name in ("read", "accepted", "same", "rejected")},
            "people": {name: told[f"people_{name}"] for name in ("new", "changed", "same")},
            "cut": self.cut,
            "rejected_rows": [{"line": line, "reason": reason} for line, reason in self.rejected_rows[:20]],
        }
