from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from retention.machine.health import health


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    found = health()
    return JsonResponse(found, status=200 if found["ok"] else 503)
