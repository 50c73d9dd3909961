from __future__ import annotations

from django.urls import path

from retention.customers import public

urlpatterns = [
    path("<str:token>/", public.preferences, name="preferences"),
    path("<str:token>/unsubscribe/", public.one_click, name="one_click"),
    path("<str:token>/confirm/", public.confirm, name="confirm"),
]
