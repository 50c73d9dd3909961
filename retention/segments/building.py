"""The builder: the rule lives in its form until it is saved, and every button sends the whole form.

What a change leads to is asked by POST, because a rule may be longer than an address.
"""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from retention.lib.htmx import invalid, moved, page, wants_part
from retention.segments import actions, drafts, ready, rules
from retention.segments.builder import Builder, found
from retention.segments.drafts import Draft
from retention.segments.forms import NameForm
from retention.segments.models import Segment
from retention.segments.rules import RuleError
from retention.stores.doors import StoreRequest, member
from retention.stores.models import Role, Store

EDITORS = (Role.OWNER, Role.MARKETER)
TEMPLATE = "segments/builder.html"


@require_http_methods(["GET", "HEAD", "POST"])
@member(*EDITORS)
def new(request: StoreRequest, store: Store) -> HttpResponse:
    if request.method == "POST":
        return _changed(request, store, None)
    draft, names = _suggested(request, store)
    form = NameForm(store=store, initial={"owner": request.user.pk, **names})
    return page(request, TEMPLATE, _context(request, Builder(store, draft), form))


@require_http_methods(["GET", "HEAD", "POST"])
@member(*EDITORS)
def edit(request: StoreRequest, store: Store, pk: int) -> HttpResponse:
    segment = get_object_or_404(Segment.objects.filter(store=store).live(), pk=pk)
    if request.method == "POST":
        return _changed(request, store, segment)
    names = {"name": segment.name, "description": segment.description, "owner": segment.owner_id}
    form = NameForm(store=store, initial=names)
    builder = Builder(store, drafts.from_rule(segment.tree, store), segment)
    return page(request, TEMPLATE, _context(request, builder, form))


def _suggested(request: StoreRequest, store: Store) -> tuple[Draft, dict[str, str]]:
    """A ready-made rule, one from the address (a figure's people), or an empty one."""
    if key := request.GET.get("ready", ""):
        rule = ready.offered(store).get(key)
        if rule is None:
            raise Http404
        one = ready.READY[key]
        return drafts.from_rule(rule, store), {"name": one.name, "description": one.description}
    names = {"name": request.GET.get("name", "")[:120]}
    try:
        told = json.loads(request.GET.get("rule", "null"))
        rules.check(told)
    except (ValueError, RecursionError):
        return drafts.empty(), names
    return drafts.from_rule(told, store), names


def _changed(request: StoreRequest, store: Store, segment: Segment | None) -> HttpResponse:
    draft, command = drafts.parse(request.POST), request.POST.get("do", "")
    if command == "save":
        return _saved(request, store, segment, draft)
    focus = drafts.act(draft, command)
    form = NameForm(store=store, initial=_typed(request))
    context = _context(request, Builder(store, draft, segment), form, focus=focus)
    return page(request, TEMPLATE, context)


def _typed(request: StoreRequest) -> dict[str, str]:
    return {name: request.POST.get(name, "") for name in ("name", "description", "owner")}


def _saved(request: StoreRequest, store: Store, segment: Segment | None, draft: Draft) -> HttpResponse:
    form, builder = NameForm(request.POST, store=store), Builder(store, draft, segment, strict=True)
    if form.is_valid() and builder.complete:
        try:
            kept = _kept(request, store, segment, builder, form)
        except RuleError as error:
            form.add_error(None, str(error))
        except actions.NotPossible as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, f"“{kept.name}” is {'saved' if segment else 'made'}.")
            return moved(request, reverse("segments:segment", args=[store.slug, kept.pk]))
    return invalid(request, TEMPLATE, _context(request, builder, form))


def _kept(
    request: StoreRequest, store: Store, segment: Segment | None, builder: Builder, form: NameForm
) -> Segment:
    by, given = f"user:{request.user.pk}", form.cleaned_data
    if segment is None:
        key = request.POST.get("ready", "")
        return actions.create_segment(
            store, rule=builder.rule, by=by, ready=key if key in ready.READY else "", **given
        )
    return actions.save_segment(segment, rule=builder.rule, by=by, **given)


def _context(request: StoreRequest, builder: Builder, form: NameForm, *, focus: str = "") -> dict[str, Any]:
    # A part gets its count by a request of its own, so that a slow rule does not slow the typing.
    waits = wants_part(request) and request.headers.get("HX-Target") == "builder"
    segment = builder.segment
    return {
        "builder": builder,
        "root": builder.lines,
        "form": form,
        "focus": focus,
        "segment": segment,
        # Only the preview is replaced: the lines stay, and their errors come beside it.
        "with_slots": wants_part(request) and request.headers.get("HX-Target") == "preview",
        "waits": waits and builder.complete,
        "found": found(builder) if builder.complete and not waits else None,
        "ready": request.POST.get("ready") or request.GET.get("ready", ""),
        "here": reverse("segments:edit", args=[builder.store.slug, segment.pk])
        if segment
        else reverse("segments:new", args=[builder.store.slug]),
    }
