"""What a mailing list says about consent, and how we say it to one.

A file of ours carries the whole history in one column, so that nothing is lost between two stores.
Otherwise the tool's own columns count. All of it is `imported`: it can take a consent away, and give one
only where nobody ever refused.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from retention.customers.consent import ASKED, OVERCOME, Evidence
from retention.customers.models import Channel, Proof, Purpose, Status
from retention.customers.standing import standing
from retention.ingest.files.values import Unusable, clean, remembered
from retention.ingest.lists.cells import moment

HISTORY = "Consent history"
# Nobody knows when; told again, it is the same evidence.
UNDATED = "import_undated"
Cells = dict[str, str]
BOTH, MARKETING = tuple(Purpose), (Purpose.MARKETING,)

KLAVIYO = {
    "Email Marketing Consent": (Channel.EMAIL, Purpose.MARKETING),
    "SMS Marketing Consent": (Channel.SMS, Purpose.MARKETING),
    "SMS Transactional Consent": (Channel.SMS, Purpose.TRANSACTIONAL),
}
# In files for tools without a column for it: for people to read, and for us should the history be missing.
PLAIN = {
    "E-mail consent": (Channel.EMAIL, Purpose.MARKETING),
    "SMS consent": (Channel.SMS, Purpose.MARKETING),
    "SMS transactional": (Channel.SMS, Purpose.TRANSACTIONAL),
}
CONSENT = {**KLAVIYO, **PLAIN}
STAMP = " Timestamp"
SAID = {
    "subscribed": Status.SUBSCRIBED,
    "subscribe": Status.SUBSCRIBED,
    "unsubscribed": Status.UNSUBSCRIBED,
    "unsubscribe": Status.UNSUBSCRIBED,
    "never subscribed": Status.NEVER,
    "never_subscribed": Status.NEVER,
    "suppressed": Status.SUPPRESSED,
}
SHOWN = {
    Status.SUBSCRIBED: "Subscribed",
    Status.UNSUBSCRIBED: "Unsubscribed",
    Status.NEVER: "Never subscribed",
    # No tool knows more than two ways of not being written to; none may take it for a yes.
    Status.SUPPRESSED: "Unsubscribed",
}
MAILCHIMP = {
    *("optin_time", "optin_ip", "confirm_time", "confirm_ip", "unsub_time", "unsub_campaign_title"),
    *("unsub_campaign_id", "unsub_reason", "unsub_reason_other"),
    *("clean_time", "clean_campaign_title", "clean_campaign_id"),
}
OURS = {HISTORY.lower(), *(name.lower() for name in CONSENT), *((name + STAMP).lower() for name in CONSENT)}
# All cells that `evidence` reads, by lower-case header.
ASKED_FOR = {*OURS, *MAILCHIMP, "ip"}


def evidence(tool: str, cells: Cells, *, status: str, as_of: datetime) -> list[Evidence]:
    """Everything a row says about consent; `cells` by lower-case header, `status` what the merchant says
    of the whole file. Raises Unusable."""
    if told := clean(cells.get(HISTORY.lower(), "")):
        found = _history(told)
    elif tool == "mailchimp" and HISTORY.lower() not in cells:
        found = _mailchimp(cells, as_of)
    else:
        found = [one for name in CONSENT for one in _column(tool, name, cells, as_of)]
    if status and (not found or status != Status.SUBSCRIBED):
        found += imported(tool, status, as_of, ip=_ip(cells.get("ip", "")))
    return found


def imported(
    tool: str,
    status: str,
    at: datetime,
    *,
    reason: str = "",
    dated: bool = False,
    channel: str = Channel.EMAIL,
    method: str = "import",
    ip: str | None = None,
    detail: dict[str, str] | None = None,
) -> list[Evidence]:
    purposes = BOTH if status == Status.SUPPRESSED else MARKETING
    reason = reason or ("cleaned" if status == Status.SUPPRESSED else "")
    return [
        Evidence(
            channel=channel, purpose=purpose, status=status, source=tool, method=method if dated else UNDATED,
            at=at, dated=dated, reason=reason, ip=ip, detail=detail or {}, imported=True,
        )
        for purpose in purposes
    ]  # fmt: skip


def _column(tool: str, name: str, cells: Cells, as_of: datetime) -> list[Evidence]:
    text = clean(cells.get(name.lower(), ""))
    if not text:
        return []
    if text.lower() not in SAID:
        raise Unusable(f"“{text[:40]}” in {name} is neither Subscribed, Unsubscribed nor Never subscribed.")
    at = moment(cells.get((name + STAMP).lower(), ""))
    channel, purpose = CONSENT[name]
    one = imported(tool, SAID[text.lower()], at or as_of, dated=at is not None, channel=channel)[0]
    return [replace(one, purpose=purpose)]


def _mailchimp(cells: Cells, as_of: datetime) -> list[Evidence]:
    found: list[Evidence] = []
    for method, time, ip in (
        ("opt_in", "optin_time", "optin_ip"),
        ("confirmed", "confirm_time", "confirm_ip"),
    ):
        if at := moment(cells.get(time, "")):
            where = _ip(cells.get(ip, ""))
            found += imported("mailchimp", Status.SUBSCRIBED, at, dated=True, method=method, ip=where)
    if "unsub_time" in cells:
        at = moment(cells["unsub_time"])
        found += imported(
            "mailchimp",
            Status.UNSUBSCRIBED,
            at or as_of,
            dated=at is not None,
            method="unsubscribe_link",
            reason=clean(cells.get("unsub_reason", ""))[:80],
            detail=_detail(cells, "unsub_campaign_title", "unsub_campaign_id", "unsub_reason_other"),
        )
    elif "clean_time" in cells:
        at = moment(cells["clean_time"])
        detail = _detail(cells, "clean_campaign_title", "clean_campaign_id")
        found += imported(
            "mailchimp", Status.SUPPRESSED, at or as_of, dated=at is not None, method="bounce",
            reason="cleaned", detail=detail,
        )  # fmt: skip
    return found or imported("mailchimp", Status.SUBSCRIBED, as_of)


def _detail(cells: Cells, *names: str) -> dict[str, str]:
    return {name: text for name in names if (text := clean(cells.get(name, "")))}


@remembered
def _ip(cell: str) -> str | None:
    try:
        return str(ipaddress.ip_address(clean(cell)))
    except ValueError:
        return None


def _history(cell: str) -> list[Evidence]:
    try:
        found = [_remembered(row) for row in json.loads(cell)]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Unusable(
            f"The column {HISTORY} cannot be read: it was changed since it was exported."
        ) from None
    return [_overcome(one, found) for one in found]


def _remembered(row: dict[str, Any]) -> Evidence:
    one = Evidence(
        channel=Channel(row["channel"]), purpose=Purpose(row["purpose"]), status=row["status"],
        source=str(row["source"])[:32], method=str(row["method"])[:32],
        at=datetime.fromisoformat(row["at"]), dated=row["method"] != UNDATED,
        reason=str(row.get("reason", ""))[:80], wording=str(row.get("wording", ""))[:40],
        ip=_ip(row.get("ip") or ""), detail=dict(row.get("detail", {})), imported=bool(row.get("imported")),
    )  # fmt: skip
    if one.status != ASKED:
        Status(one.status)
    if one.at.tzinfo is None:
        raise ValueError("a time without a zone")
    return one


def _overcome(one: Evidence, history: list[Evidence]) -> Evidence:
    """In its own history a refusal may have been followed by a yes. It is then kept, but no longer refuses:
    the person whom the file tells of had come back."""
    beside = [other for other in history if (other.channel, other.purpose) == (one.channel, one.purpose)]
    now = standing(beside)
    came_back = now is not None and now.status == Status.SUBSCRIBED
    refused = one.status in (Status.UNSUBSCRIBED, Status.SUPPRESSED)
    detail = {**one.detail, OVERCOME: True} if came_back and refused else one.detail
    return replace(one, imported=True, detail=detail)


def history_cell(proofs: Iterable[Proof]) -> str:
    rows = []
    for proof in sorted(proofs, key=lambda p: (p.at, p.channel, p.purpose, p.status, p.method, p.pk)):
        row: dict[str, Any] = {
            name: getattr(proof, name)
            for name in (
                "channel",
                "purpose",
                "status",
                "source",
                "method",
                "reason",
                "wording",
                "ip",
                "detail",
            )
        }
        row |= {"at": proof.at.isoformat(), "imported": proof.imported}
        rows.append({name: value for name, value in row.items() if value not in ("", None, {}, False)})
    return json.dumps(rows, ensure_ascii=False) if rows else ""


def mailchimp_cells(proofs: list[Proof]) -> Cells:
    """The times and addresses that Mailchimp keeps, from the newest proof of each kind."""
    mine = [p for p in proofs if (p.channel, p.purpose) == (Channel.EMAIL, Purpose.MARKETING)]
    cells: Cells = {}
    for proof in sorted(mine, key=lambda p: (p.at, p.pk)):
        at = f"{proof.at:%Y-%m-%d %H:%M:%S}"
        if proof.status == Status.SUBSCRIBED:
            step = "CONFIRM" if proof.method in ("confirmed", "double_opt_in") else "OPTIN"
            cells |= {f"{step}_TIME": at, f"{step}_IP": proof.ip or ""}
        elif proof.status in (Status.UNSUBSCRIBED, Status.SUPPRESSED):
            told = "UNSUB" if proof.status == Status.UNSUBSCRIBED else "CLEAN"
            cells |= {f"{told}_TIME": at} | {name.upper(): str(v) for name, v in proof.detail.items()}
            if told == "UNSUB":
                cells["UNSUB_REASON"] = proof.reason
    return cells
