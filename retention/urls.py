"""The addresses. Stores come last: their first segment is any slug."""

from __future__ import annotations

from importlib.util import find_spec

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.utils.module_loading import import_string

from retention.dashboard import desk
from retention.stores import public
from retention.stores import views as stores

urlpatterns: list[URLPattern | URLResolver] = [
    path("", stores.home, name="home"),
    path("outbox/", stores.outbox, name="outbox"),
    path("setup/<str:token>/", public.setup, name="setup"),
    path("join/<str:token>/", desk.join, name="join"),
    path("preferences/", include("retention.customers.urls")),
    # An address decides which invitations a person may take: only an administrator changes it.
    path("accounts/email/", stores.closed, name="account_email"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]
if find_spec("retention.machine.views"):
    urlpatterns.append(path("healthz", import_string("retention.machine.views.healthz"), name="healthz"))
for prefix, module in (
    ("<slug:store>/import/", "retention.ingest.urls"),
    ("<slug:store>/segments/", "retention.segments.urls"),
    ("<slug:store>/customers/", "retention.dashboard.customers.urls"),
    ("<slug:store>/", "retention.dashboard.desk_urls"),
    ("<slug:store>/", "retention.dashboard.urls"),
):
    if find_spec(module):
        urlpatterns.append(path(prefix, include(module)))
