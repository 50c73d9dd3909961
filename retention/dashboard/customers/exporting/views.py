"""People go out to a mailing tool: whom, how they stand, and in which tool's words."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from retention.customers.models import Customer, Status
from retention.dashboard.customers.roles import GIVERS
from retention.ingest.lists.exporting import export_people, handed_out
from retention.ingest.lists.formats import FORMATS
from retention.lib.addresses import id_of
from retention.lib.htmx import csv_text, page, shows_progress
from retention.segments.models import Segment
from retention.segments.queries import customers_in
from retention.stores.doors import StoreRequest, member
from retention.stores.models import Store

STANDINGS: dict[str, str] = {
    Status.SUBSCRIBED: "Subscribed",
    Status.UNSUBSCRIBED: "Unsubscribed",
    Status.SUPPRESSED: "Never to be written to",
    Status.NEVER: "Never subscribed",
}
EVERYBODY = "everybody"


@require_safe
@member(*GIVERS)
def home(request: StoreRequest, store: Store) -> HttpResponse:
    segment, status = _asked(request, store)
    people = _people(store, segment)
    counts = {one: handed_out(people, one).count() for one in STANDINGS}
    counts[""] = sum(counts.values())
    context: dict[str, Any] = {
        "segment": segment,
        "segments": Segment.objects.filter(store=store).active().order_by("name"),
        "count": counts[status],
        "standings": [
            {
                "label": label,
                "count": counts[one],
                "chosen": one == status,
                "link": _address(store, "export_list", segment, one),
            }
            for one, label in [*STANDINGS.items(), ("", "Everybody")]
        ],
        "status": status or EVERYBODY,
        "tools": [
            {"title": form.title, "link": _address(store, "export_file", segment, status, form.name)}
            for form in sorted(FORMATS.values(), key=lambda form: form.title)
        ],
    }
    return page(request, "customers/export.html", context)


@require_safe
@member(*GIVERS)
def file(request: StoreRequest, store: Store, form: str) -> StreamingHttpResponse:
    if form not in FORMATS:
        raise Http404
    segment, status = _asked(request, store)
    people = _people(store, segment)
    group = f"segment-{segment.pk}" if segment else "customers"
    answer = csv_text(
        f"{store.slug}-{group}-{form}-{status or EVERYBODY}", export_people(people, form, status=status)
    )
    if shows_progress(request):
        answer["X-Rows"] = str(handed_out(people, status).count())
    return answer


def _asked(request: StoreRequest, store: Store) -> tuple[Segment | None, str]:
    """The segment, if any, and how people stand; "" is however. Nothing said means the subscribed, because
    nobody else may be written to."""
    status = request.GET.get("status", Status.SUBSCRIBED)
    if status not in (*STANDINGS, EVERYBODY):
        raise Http404
    told = request.GET.get("segment", "")
    segment = Segment.objects.filter(store=store, pk=id_of(told) or 0).first()
    if told and segment is None:
        # A file of everybody would be the worst answer to a segment that is gone.
        raise Http404
    return segment, "" if status == EVERYBODY else status


def _people(store: Store, segment: Segment | None) -> QuerySet[Customer]:
    return customers_in(segment) if segment else Customer.objects.filter(store=store)


def _address(store: Store, name: str, segment: Segment | None, status: str, *form: str) -> str:
    told: dict[str, str | int] = {"status": status or EVERYBODY}
    given = urlencode({"segment": segment.pk, **told} if segment else told)
    return f"{reverse(f'customers:{name}', args=[store.slug, *form])}?{given}"
