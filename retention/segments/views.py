"""The pages of segments: the list, one with its people, two side by side, and why somebody is in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from retention.customers.models import Customer
from retention.lib import formats
from retention.lib.addresses import id_of
from retention.lib.htmx import csv_file, invalid, page, shows_progress
from retention.metrics.queries import today
from retention.segments import actions, figures, people, queries, ready
from retention.segments import choices as known_choices
from retention.segments import schema as language
from retention.segments.actions import NotPossible
from retention.segments.builder import overlaps_in_words, sentence_of
from retention.segments.building import EDITORS
from retention.segments.explaining import Explained
from retention.segments.forms import AddForm, ListForm, PeopleForm, SegmentFileForm, no_addresses
from retention.segments.models import Segment
from retention.segments.rules import Rule, RuleError
from retention.segments.uses import uses_of
from retention.segments.wording import Words
from retention.stores.doors import StoreRequest, member
from retention.stores.models import Store


def _by(request: StoreRequest) -> str:
    return f"user:{request.user.pk}"


def _may_edit(request: StoreRequest) -> bool:
    return request.membership is None or request.membership.role in EDITORS


def _found(store: Store, pk: int) -> Segment:
    return get_object_or_404(Segment.objects.filter(store=store).select_related("owner", "store"), pk=pk)


def _to(store: Store, segment: Segment) -> HttpResponse:
    return redirect("segments:segment", store.slug, segment.pk)


# The list


@require_safe
@member()
def home(request: StoreRequest, store: Store) -> HttpResponse:
    return page(request, "segments/home.html", _home(request, store))


def _home(request: StoreRequest, store: Store, form: SegmentFileForm | None = None) -> dict[str, Any]:
    status = "archived" if request.GET.get("status") == "archived" else "active"
    mine = Segment.objects.filter(store=store).select_related("owner")
    found = list(mine.filter(status=status).order_by("name"))
    for one in found:
        one.store = store
    return {
        "rows": figures.listed(store, found),
        "status": status,
        "archived": mine.filter(status="archived").count(),
        "ready": _offered(store),
        "may_edit": _may_edit(request),
        "form": form or SegmentFileForm(),
        "comparable": status == "active" and len(found) > 1,
    }


def _offered(store: Store) -> list[dict[str, Any]]:
    """Ready-made segments that the store does not have yet, by family."""
    have = set(Segment.objects.filter(store=store).active().values_list("ready", flat=True))
    families: dict[str, list[dict[str, str]]] = {}
    for key, rule in ready.offered(store).items():
        one = ready.READY[key]
        if key not in have:
            told = {"key": key, "name": one.name, "description": one.description}
            families.setdefault(one.family, []).append(told | {"sentence": sentence_of(store, rule)})
    return [{"name": name, "segments": some} for name, some in families.items()]


@require_POST
@member(*EDITORS)
def adopt(request: StoreRequest, store: Store) -> HttpResponse:
    key = request.POST.get("key", "")
    if key not in ready.offered(store):
        raise Http404
    try:
        made = ready.adopt(store, key, by=_by(request))
    except NotPossible as error:
        messages.error(request, str(error))
        return redirect("segments:home", store.slug)
    messages.success(request, f"“{made.name}” is yours now. Its rule can be changed like any other.")
    return _to(store, made)


@require_POST
@member(*EDITORS)
def import_json(request: StoreRequest, store: Store) -> HttpResponse:
    form = SegmentFileForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            made = actions.segment_from_json(store, form.cleaned_data["file"], by=_by(request))
        except (RuleError, NotPossible) as error:
            form.add_error("file", str(error))
        else:
            messages.success(request, f"“{made.name}” was imported.")
            return _to(store, made)
    return invalid(request, "segments/home.html", _home(request, store, form))


@require_safe
@member()
def schema(request: StoreRequest, store: Store) -> JsonResponse:
    """The rule language, for programs."""
    return JsonResponse(language.published())


@require_safe
@member(*EDITORS)
def choices(request: StoreRequest, store: Store) -> HttpResponse:
    """What a field of the builder offers for the typed word. The field tells its own name."""
    what, field = request.GET.get("of", ""), request.GET.get("field", "")
    if not known_choices.is_known(what):
        raise Http404
    typed = request.GET.get(field, "")
    context = {
        "id": request.headers.get("HX-Target", "choices").removesuffix("-choices"),
        "found": known_choices.found(store, what, typed),
        "typed": typed,
        "what": known_choices.name_of(what),
        "numbered": what in known_choices.NUMBERED,
    }
    return page(request, "segments/choices.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member(*EDITORS)
def new_list(request: StoreRequest, store: Store) -> HttpResponse:
    form = ListForm(request.POST or None, request.FILES or None)
    if request.method != "POST":
        return page(request, "segments/list.html", {"form": ListForm()})
    if form.is_valid():
        named = people.addressed(store, form.cleaned_data["addresses"])
        try:
            name = form.cleaned_data["name"]
            made = actions.create_list(
                store, name=name, people=named.people, by=_by(request), owner=request.user
            )
        except NotPossible as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, _listed(store, form, len(named.people), named.unknown))
            return _to(store, made)
    return invalid(request, "segments/list.html", {"form": form})


def _listed(store: Store, form: PeopleForm, came: int, unknown: int) -> str:
    said = f"{formats.counted(came, 'person', 'people', store.locale)} came onto the list."
    if unknown:
        no_customer = formats.counted(unknown, "address belongs", "addresses belong", store.locale)
        said += f" {no_customer} to no customer."
    return f"{said} {no_addresses(form.cleaned_data['wrong'])}".rstrip()


# One segment


@require_safe
@member()
def segment(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    return page(request, "segments/segment.html", _segment(request, _found(store, pk)))


def _segment(request: StoreRequest, segment: Segment, form: AddForm | None = None) -> dict[str, Any]:
    store = segment.store
    shown, key = people.members(segment, after=request.GET.get("after", ""))
    context = {
        "segment": segment,
        "people": people.written(segment, shown),
        "more": key,
        "first": request.GET.get("after", ""),
        "may_edit": _may_edit(request),
    }
    if request.headers.get("HX-Target") == "people":
        return context
    [row] = figures.listed(store, [segment])
    overlaps = queries.overlap(segment)
    count = queries.counts(store).get(segment.pk, 0)
    rule = segment.rule
    return context | {
        "row": row,
        "is_list": segment.kind == Segment.Kind.LIST,
        "active": segment.status == Segment.Status.ACTIVE,
        "sentence": sentence_of(store, rule) if rule else "",
        "chart": figures.size_chart(segment),
        "drift": figures.drift_card(segment),
        "uses": uses_of(segment),
        "overlaps": overlaps_in_words(overlaps, count, store.locale),
        "others": Segment.objects.filter(store=store).active().exclude(pk=segment.pk),
        "review_on": formats.day(segment.review_on, store.locale),
        "form": form or AddForm(),
    }


@require_safe
@member()
def people_csv(request: StoreRequest, store: Store, pk: int) -> HttpResponseBase:
    found = _found(store, pk)
    answer = csv_file(f"{store.slug}-segment-{found.pk}", people.HEAD, people.lines(found))
    if shows_progress(request):
        answer["X-Rows"] = str(queries.customers_in(found).count())
    return answer


@require_safe
@member()
def export_json(request: StoreRequest, store: Store, pk: int) -> JsonResponse:
    found = _found(store, pk)
    if not found.rule:
        raise Http404
    response = JsonResponse(actions.segment_as_json(found), json_dumps_params={"indent": 2})
    response["Content-Disposition"] = f'attachment; filename="{store.slug}-segment-{found.pk}.json"'
    return response


@require_POST
@member(*EDITORS)
def archive(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    found = _found(store, pk)
    try:
        actions.archive_segment(found, by=_by(request))
    except NotPossible as error:
        messages.error(request, f"“{found.name}” cannot be archived. {error}")
        return _to(store, found)
    messages.success(request, f"“{found.name}” is archived. Its history stays, and it can be restored.")
    return redirect("segments:home", store.slug)


@require_POST
@member(*EDITORS)
def restore(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    found = _found(store, pk)
    try:
        actions.restore_segment(found, by=_by(request))
    except (NotPossible, RuleError) as error:
        messages.error(request, f"“{found.name}” cannot be restored. {error}")
    else:
        messages.success(request, f"“{found.name}” is back.")
    return _to(store, found)


@require_POST
@member(*EDITORS)
def duplicate(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    try:
        made = actions.duplicate_segment(_found(store, pk), by=_by(request))
    except (NotPossible, RuleError) as error:
        messages.error(request, f"This cannot be duplicated. {error}")
        return redirect("segments:segment", store.slug, pk)
    messages.success(request, f"This is “{made.name}”.")
    return _to(store, made)


@require_POST
@member(*EDITORS)
def review(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    found = actions.review_segment(_found(store, pk), by=_by(request))
    messages.success(
        request, f"Reviewed. The next review is on {formats.day(found.review_on, store.locale)}."
    )
    return _to(store, found)


@require_POST
@member(*EDITORS)
def snapshot(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    found = _found(store, pk)
    name = f"{found.name[:90]}, {formats.day(today(store), store.locale)}"
    try:
        made = actions.snapshot_segment(found, name=name, by=_by(request))
    except NotPossible as error:
        messages.error(request, str(error))
        return _to(store, found)
    messages.success(request, "This list keeps who is in the segment now.")
    return _to(store, made)


@require_POST
@member(*EDITORS)
def add(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    """People onto a list, by their addresses."""
    found = _found(store, pk)
    form = AddForm(request.POST, request.FILES)
    if form.is_valid():
        named = people.addressed(store, form.cleaned_data["addresses"])
        try:
            came = actions.add_to_list(found, named.people, by=_by(request))
        except NotPossible as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _listed(store, form, came, named.unknown))
            return _to(store, found)
    return invalid(request, "segments/segment.html", _segment(request, found, form))


@require_POST
@member(*EDITORS)
def remove(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    found, person = _found(store, pk), request.POST.get("person", "")
    try:
        pk_of_person = id_of(person)
        wanted = [] if pk_of_person is None else [pk_of_person]
        gone = actions.remove_from_list(found, wanted, by=_by(request))
    except NotPossible as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Taken off the list." if gone else "Nobody was taken off the list.")
    return _to(store, found)


# Why somebody is in


@require_safe
@member()
def explain(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    found, who = _found(store, pk), request.GET.get("who", "")
    people_found = people.found_by(store, who)
    person = _person(store, request.GET.get("person", ""))
    if person is None and len(people_found) == 1:
        person = people_found[0]
    context: dict[str, Any] = {"segment": found, "who": who, "people": people_found, "person": person}
    if person:
        context |= _reasons(found, person)
    return page(request, "segments/explain.html", context)


def _person(store: Store, text: str) -> Customer | None:
    pk = id_of(text)
    return None if pk is None else people.of_store(store).filter(pk=pk).first()


def _reasons(segment: Segment, person: Customer) -> dict[str, Any]:
    stay = queries.segments_of(person).filter(segment=segment).first()
    found = queries.why(segment, person)
    words = Words(segment.store)
    return {
        "is_in": stay is not None if found is None else found.holds,
        "since": formats.day(stay.entered_at.astimezone(segment.store.tz).date(), segment.store.locale)
        if stay
        else "",
        "reason": _reason(found, segment.tree, words) if found else None,
    }


def _reason(found: Explained, node: Rule, words: Words) -> dict[str, Any]:
    """A node of the explanation with the words of its part of the rule."""
    told: dict[str, Any] = {"holds": found.holds, "kind": found.kind}
    if found.kind == "if":
        turn = words.turn(found.turns_at) if found.turns_at else ""
        return told | {"words": words.of(node), "value": words.value(node, found.value), "turn": turn}
    inner = [node["not"]] if found.kind == "not" else node[found.kind]
    children = [_reason(child, part, words) for child, part in zip(found.children, inner, strict=True)]
    titles = {"all": "All of these", "any": "At least one of these", "not": "Not so"}
    return told | {"title": titles[found.kind], "children": children}


# Two side by side


@require_safe
@member()
def compare(request: StoreRequest, store: Store) -> HttpResponse:
    mine = Segment.objects.filter(store=store).active()
    chosen = [_chosen(mine, request.GET.get(name, "")) for name in ("a", "b")]
    context: dict[str, Any] = {"segments": list(mine), "a": chosen[0], "b": chosen[1]}
    if chosen[0] and chosen[1] and chosen[0] != chosen[1]:
        context["compared"] = figures.compared(store, chosen[0], chosen[1])
    return page(request, "segments/compare.html", context)


def _chosen(mine: Iterable[Segment], text: str) -> Segment | None:
    return next((one for one in mine if str(one.pk) == text), None)
