"""What the templates of customers say: figures in words, links, and who may do what."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from retention.customers.asking import preferences_path
from retention.customers.consent import settings_of
from retention.customers.duplicates import proposals
from retention.customers.models import Customer
from retention.customers.panels import PANELS
from retention.dashboard.customers import columns, listing, person, story
from retention.dashboard.customers.forms import NoteForm, SaidForm
from retention.dashboard.customers.roles import may
from retention.dashboard.customers.search import FEW, MANY
from retention.dashboard.customers.titles import heard_from
from retention.dashboard.customers.wanted import CONSENT, LAST, SORTS, Wanted, words
from retention.dashboard.models import SavedView
from retention.lib import formats
from retention.lib.addresses import id_of
from retention.lib.htmx import wants_part
from retention.segments.explaining import Explained
from retention.segments.models import Segment
from retention.segments.wording import Words
from retention.stores.doors import StoreRequest
from retention.stores.models import Role, Store

TABS = {"timeline": "Timeline", "orders": "Orders", "consent": "Consent"}
SOME_DUPLICATES = 30
PROOF_ICONS = {
    "subscribed": "check",
    "unsubscribed": "circle-x",
    "asked": "mail",
    "never_subscribed": "circle",
}


def list_url(store: Store, wanted: Wanted, name: str = "list") -> str:
    query = wanted.query()
    return reverse(f"customers:{name}", args=[store.slug]) + (f"?{query}" if query else "")


def listing_page(
    request: StoreRequest, wanted: Wanted, *, after: str = "", problem: str = ""
) -> dict[str, Any]:
    store = request.store
    whom = listing.crowd(store, wanted)
    rows, key = listing.listed(whom, wanted.sort, after=after)
    names = wanted.cols or columns.USUAL
    here = list_url(store, wanted)
    return {
        "wanted": wanted,
        "here": here,
        "rows": columns.written(rows, names, store),
        "columns": [_column(store, wanted, name) for name in names],
        "first": _sort(store, wanted, "name"),
        "more": f"{here}{'&' if '?' in here else '?'}after={key}" if key else "",
        "beginning": here if after else "",
        "known": _known(whom, len(rows), store, whole=not (key or after)),
        "cut": (MANY if wanted.narrowed else FEW) if whom.cut else 0,
        "links": {name: list_url(store, wanted, name) for name in ("count", "csv", "tag", "save_view")},
        "chips": _chips(store, wanted),
        "clear": list_url(store, Wanted(sort=wanted.sort, cols=wanted.cols)),
        "views": _views(store, wanted),
        "may": may(request),
        "problem": problem,
        **({} if wants_part(request) else _choices(store, wanted)),
    }


def bulk(given: QueryDict, rows: list[dict[str, Any]], problem: str) -> dict[str, Any]:
    """A form for many that was refused: what was ticked and typed in it."""
    ticked = {int(pk) for pk in given.getlist("ids") if id_of(pk) is not None}
    shown = {row["id"] for row in rows}
    return {
        "problem": problem,
        "typed": given.get("tag", ""),
        "everybody": bool(given.get("everybody")),
        "ticked": ticked & shown,
        "elsewhere": sorted(ticked - shown),
    }


def _known(whom: listing.Crowd, shown: int, store: Store, *, whole: bool) -> str:
    """How many they are, where that is known without counting: "" otherwise."""
    if whom.cut:
        # Counting them all would cost more than finding some, at every letter.
        return f"at least {formats.counted(shown, 'customer', locale=store.locale)}"
    return formats.counted(shown, "customer", locale=store.locale) if whole else ""


def _column(store: Store, wanted: Wanted, name: str) -> dict[str, Any]:
    column = columns.COLUMNS[name]
    return {"label": column.label, "right": column.right, **_sort(store, wanted, column.sort)}


def _sort(store: Store, wanted: Wanted, sort: str) -> dict[str, Any]:
    if not sort:
        return {"link": ""}
    way = "ascending" if sort == "name" else "descending"
    return {
        "link": list_url(store, replace(wanted, sort=sort)),
        "sorted": way if wanted.sort == sort else "",
    }


def _chips(store: Store, wanted: Wanted) -> list[dict[str, str]]:
    """Each filter in use with the link that takes it away."""
    name = ""
    if wanted.segment:
        found = Segment.objects.filter(store=store, pk=int(wanted.segment)).first()
        name = found.name if found else ""
    return [
        {"label": label, "without": list_url(store, wanted.without(key))}
        for key, label in words(wanted, store, name).items()
    ]


def _views(store: Store, wanted: Wanted) -> list[dict[str, Any]]:
    base = reverse("customers:list", args=[store.slug])
    now = wanted.query()
    return [
        {
            "pk": view.pk,
            "name": view.name,
            "link": f"{base}?{view.query}" if view.query else base,
            "open": view.query == now,
        }
        for view in SavedView.objects.filter(store=store)[:30]
    ]


def _choices(store: Store, wanted: Wanted) -> dict[str, Any]:
    """What the form offers; it stays while the list below it changes."""
    shown = wanted.cols or columns.USUAL
    return {
        "countries": listing.countries(store),
        "last_choices": LAST,
        "consent_choices": CONSENT,
        "segments": Segment.objects.filter(store=store).active().only("pk", "name"),
        "sorts": SORTS,
        "column_choices": [(name, one.label, name in shown) for name, one in columns.COLUMNS.items()],
    }


def person_page(
    request: StoreRequest, customer: Customer, *, note_form: NoteForm | None = None, tag_problem: str = ""
) -> dict[str, Any]:
    store, given = request.store, _given(request)
    tab = given.get("tab", "timeline")
    tab = tab if tab in TABS else "timeline"
    context: dict[str, Any] = {
        "customer": customer,
        "title": person.title(customer),
        "may": may(request),
        "tab": tab,
        "tabs": [(name, label, _tab_url(customer, name)) for name, label in TABS.items()],
        "here": _tab_url(customer, tab),
    }
    context |= _story_part(customer, tab, given)
    if wants_part(request) and request.headers.get("HX-Target") in ("story", "more"):
        return context
    return context | {
        "worth": _worth(customer),
        "rhythm": _rhythm(customer),
        "stands": [_stand(one, store) for one in person.stands(customer)],
        "ways": _ways(request, customer),
        **_preference(customer),
        **_groups(customer),
        "now_there": _now_there(customer),
        "note_form": note_form or NoteForm(),
        "notes": [(note, _day(note.written_at, store)) for note in person.notes(customer)],
        "erased_day": _day(customer.erased_at, store),
        "tag_problem": tag_problem,
        "merges": [(merge, _day(merge.merged_at, store)) for merge in person.merges(customer)],
        "contacts": [_contact(one, customer) for one in person.contacts(customer)],
        "suspects": [_suspect(customer, pair) for pair in person.suspects(customer)],
        "panels": _panels(request, customer),
        "company_place": ", ".join(p for p in (customer.city, customer.region, customer.country) if p),
    }


def _given(request: StoreRequest) -> dict[str, str]:
    """A form's answer is about the page that it was sent from."""
    if request.method in ("GET", "HEAD"):
        return request.GET.dict()
    shown = parse_qs(urlsplit(request.headers.get("HX-Current-URL", "")).query)
    return {name: values[0] for name, values in shown.items() if name == "tab"}


def _tab_url(customer: Customer, tab: str) -> str:
    url = reverse("customers:person", args=[customer.store.slug, customer.pk])
    return url if tab == "timeline" else f"{url}?tab={tab}"


def _story_part(customer: Customer, tab: str, given: dict[str, str]) -> dict[str, Any]:
    before = given.get("before", "")
    if tab == "orders":
        found, key = person.orders(customer, before=before)
        url = _tab_url(customer, tab)
        more = f"{url}&before={_quoted(key)}" if key else ""
        return {"orders": [_order(one, customer) for one in found], "more": more}
    if tab == "consent":
        return {"proofs": [_proof(one, customer) for one in person.proofs(customer)], "more": ""}
    told = story.story(customer, family=given.get("kind", ""), before=before)
    url, kind = _tab_url(customer, tab), given.get("kind", "")
    kind = kind if kind in told.chips else ""
    chips = [("", "All", not kind, url)]
    chips += [(name, label, kind == name, f"{url}?kind={name}") for name, label in told.chips.items()]
    more = f"{url}?{f'kind={kind}&' if kind else ''}before={_quoted(told.more)}" if told.more else ""
    return {"moments": told.moments, "kinds": chips, "more": more}


def _quoted(key: str) -> str:
    return key.replace("+", "%2B")


def _worth(customer: Customer) -> dict[str, str] | None:
    found, store = person.worth(customer), customer.store
    if found is None:
        return None
    return {
        "net": formats.money(found.net, store.currency, store.locale),
        "purchases": formats.number(found.purchases, store.locale),
        "average": formats.money(found.average, store.currency, store.locale),
        "rank": found.rank,
        "first": formats.day(found.first, store.locale),
        "last": formats.day(found.last, store.locale),
    }


def _rhythm(customer: Customer) -> dict[str, Any] | None:
    found, store = person.rhythm(customer), customer.store
    if found is None:
        return None
    pace, tone = found.pace
    return {
        "own": formats.days(found.own, store.locale) if len(found.gaps) else "",
        "gaps": len(found.gaps),
        "usual": formats.days(found.usual, store.locale),
        "since": "today" if not found.since else f"{formats.days(found.since, store.locale)} ago",
        "pace": pace,
        "tone": tone,
        "dots": found.dots,
        "words": formats.counted(len(found.days), "purchase", locale=store.locale),
    }


def _stand(one: person.Stand, store: Store) -> dict[str, str]:
    tone = columns.TONES.get(one.status, "")  # type: ignore[call-overload]
    since = formats.day(one.since.astimezone(store.tz).date(), store.locale) if one.since else ""
    asked = _day(one.asked, store)
    return {
        "channel": one.channel, "label": one.label, "tone": tone, "since": since, "reason": one.reason,
        "asked": asked,
    }  # fmt: skip


def _ways(request: StoreRequest, customer: Customer) -> dict[str, Any] | None:
    """What somebody of the store may do about consent; the link is a key, so only they see it."""
    if not may(request)["keep"] or customer.erased_at:
        return None
    return {
        "form": SaidForm(auto_id="said-%s"),
        "asks_first": settings_of(customer.store).double_opt_in,
        "page": preferences_path(customer),
    }


def _now_there(customer: Customer) -> str:
    """The clock where the person is, if that is known."""
    if not customer.time_zone:
        return ""
    try:
        return f"{timezone.now().astimezone(ZoneInfo(customer.time_zone)):%H:%M} there now"
    except (KeyError, ValueError, OSError):
        return ""


def _groups(customer: Customer) -> dict[str, Any]:
    found = person.groups(customer)
    return {"groups": found, "stays": [(one, _day(one.since, customer.store)) for one in found.listed]}


def _preference(customer: Customer) -> dict[str, Any]:
    found = person.preference(customer)
    pause = (
        found.paused_until if found and found.paused_until and found.paused_until > timezone.now() else None
    )
    return {"preference": found, "paused": _day(pause, customer.store)}


def _contact(one: person.Contact, customer: Customer) -> dict[str, str]:
    whence = "this record" if one.record == customer.pk else f"record {one.record}"
    known = one.known_as.replace("_", " ").capitalize()
    return {"label": one.label, "value": one.value, "whence": f"{whence} · {known}" if known else whence}


def _suspect(customer: Customer, pair: Any) -> dict[str, Any]:
    other = pair.two if pair.one.pk == customer.pk else pair.one
    return {"pk": other.pk, "title": person.title(other), "reasons": ", ".join(_reasons(pair.reasons))}


def _reasons(reasons: tuple[str, ...]) -> list[str]:
    return ["e-mail" if reason == "email" else reason for reason in reasons]


def _panels(request: StoreRequest, customer: Customer) -> list[dict[str, str]]:
    role = request.membership.role if request.membership else Role.OWNER
    found = []
    for panel in PANELS.values():
        if panel.roles and role not in panel.roles:
            continue
        try:
            url = reverse(panel.url_name, kwargs={"store": request.store.slug, "pk": customer.pk})
        except NoReverseMatch:
            continue  # the app is not installed here
        found.append({"name": panel.name, "title": panel.title, "url": url})
    return found


def _order(bought: person.Bought, customer: Customer) -> dict[str, Any]:
    order, store = bought.order, customer.store

    def money(amount: int) -> str:
        return formats.money(amount, store.currency, store.locale)

    pieces = sum(line.quantity for line in bought.lines)
    state, tone = _state(bought)
    return {
        "pk": order.pk,
        "name": str(order),
        "day": _day(order.placed_at, store),
        "net": money(order.net),
        "pieces": formats.counted(pieces, "item", locale=store.locale) if pieces else "",
        "state": state,
        "tone": tone,
        "origin": " · ".join(part for part in (order.channel, order.campaign, order.coupon) if part),
        "lines": [
            {
                "title": line.title or line.sku or "Item",
                "sku": line.sku if line.title else "",
                "quantity": line.quantity,
                "price": money(line.unit_price),
                "total": money(line.total),
            }
            for line in bought.lines
        ],
        "sums": [
            (label, money(amount))
            for label, amount in (
                ("Items", order.items), ("Discounts", -order.discounts), ("Refunded", -order.refunded),
                ("Shipping", order.shipping), ("Tax", order.tax),
            )
            if amount
        ],
        "refunds": [(money(refund.amount), _day(refund.refunded_at, store)) for refund in bought.refunds],
        "parcels": [
            {
                "name": " ".join(part for part in (one.carrier, one.tracking_number) if part) or "Parcel",
                "shipped": _day(one.shipped_at, store),
                "delivered": _day(one.delivered_at, store),
                "late": bool(one.due_at and (one.delivered_at or timezone.now()) > one.due_at),
            }
            for one in order.shipments.all()
        ],
    }  # fmt: skip


def _state(bought: person.Bought) -> tuple[str, str]:
    order, parcels = bought.order, list(bought.order.shipments.all())
    if order.cancelled_at:
        return "cancelled", "bad"
    if order.test or order.void:
        return "not counted", ""
    if order.refunded and order.refunded >= order.items - order.discounts:
        return "refunded", "warn"
    if order.refunded:
        return "partly refunded", "warn"
    if parcels and all(one.delivered_at for one in parcels):
        return "delivered", "good"
    return ("on its way", "info") if any(one.shipped_at for one in parcels) else ("", "")


def _day(at: datetime | None, store: Store) -> str:
    return formats.day(at.astimezone(store.tz).date(), store.locale) if at else ""


def _proof(one: Any, customer: Customer) -> dict[str, str]:
    store = customer.store
    return {
        "what": one.get_status_display(),
        "icon": PROOF_ICONS.get(one.status, "circle-alert"),
        "tone": columns.TONES.get(one.status, ""),
        "where": f"{one.get_channel_display()}, {one.get_purpose_display().lower()}",
        "at": formats.moment(one.at, store.locale, store.time_zone),
        "how": heard_from(one.source, one.method),
        "wording": one.wording,
        "ip": one.ip or "",
        "reason": one.reason,
    }


def duplicates_page(request: StoreRequest, store: Store) -> dict[str, Any]:
    found = proposals(store, limit=SOME_DUPLICATES)
    facts = person.counted(one for pair in found for one in (pair.one, pair.two))
    return {
        "pairs": [
            {
                "name": f"{pair.one.pk}-{pair.two.pk}",
                "one": pair.one.pk,
                "two": pair.two.pk,
                "reasons": _reasons(pair.reasons),
                "sides": [_side(one, other, facts, store) for one, other in _both(pair)],
            }
            for pair in found
        ],
        "may": may(request),
        "most": SOME_DUPLICATES,
    }


def _both(pair: Any) -> tuple[tuple[Customer, Customer], tuple[Customer, Customer]]:
    return (pair.one, pair.two), (pair.two, pair.one)


def _side(one: Customer, other: Customer, facts: dict[int, Any], store: Store) -> dict[str, Any]:
    fact = facts.get(one.pk)
    address = ", ".join(p for p in (one.address1, f"{one.postal_code} {one.city}".strip(), one.country) if p)
    told = (
        ("E-mail", one.email), ("Phone", one.phone), ("Company", one.company), ("Address", address),
        ("Purchases", formats.number(fact.purchases if fact else 0, store.locale)),
        ("Net to date", formats.money(fact.net if fact else 0, store.currency, store.locale)),
        ("Last purchase", formats.day(fact.last_day if fact else None, store.locale)),
        ("Added", _day(one.created_at, store)),
    )  # fmt: skip
    return {"pk": one.pk, "other": other.pk, "title": person.title(one), "told": told}


def answers(found: Explained | None, store: Store) -> list[dict[str, Any]]:
    """Every condition of a segment, with its answer and the value behind it."""
    if found is None:
        return []
    words = Words(store)
    return [
        {
            "holds": one.holds,
            "words": one.words,
            "value": _value(one.value, store),
            "turns": words.turn(one.turns_at) if one.turns_at else "",
        }
        for one in found.conditions()
    ]


def _value(value: Any, store: Store) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(one) for one in value) or "nothing"
    if isinstance(value, str):
        try:
            return formats.day(date.fromisoformat(value[:10]), store.locale)
        except ValueError:
            return value or "nothing"
    return "nothing" if value is None else str(value)
