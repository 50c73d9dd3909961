"""The administrators' admin: behind the same sign-in as everything else, with its second step and limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.decorators import secure_admin_login
from csp.constants import UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from unfold.sites import UnfoldAdminSite

# Its menus are written for Alpine, which reads expressions from attributes, and its scripts add style
# elements. Only here, and only for staff.
MENUS = {"script-src": [UNSAFE_EVAL], "style-src": [UNSAFE_INLINE]}


class Office(UnfoldAdminSite):  # type: ignore[misc]
    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        return csp_update(MENUS)(super().admin_view(view, cacheable))

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        # Colors come from css/admin.css, one file for both themes.
        return {**super().each_context(request), "colors": None}

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return secure_admin_login(super().login)(request, extra_context)  # type: ignore[no-any-return]
