from __future__ import annotations

from django.urls import path

from retention.dashboard.customers import views
from retention.dashboard.customers.asking import views as asking
from retention.dashboard.customers.exporting import views as exporting
from retention.dashboard.customers.identity import views as identity
from retention.dashboard.customers.mailing import views as mailing

app_name = "customers"
urlpatterns = [
    path("", views.listed, name="list"),
    path("count/", views.count, name="count"),
    path("customers.csv", views.file, name="csv"),
    path("tag/", views.tag, name="tag"),
    path("tag/<int:pk>/undo/", views.untag, name="untag"),
    path("views/", views.save_view, name="save_view"),
    path("views/<int:pk>/remove/", views.remove_view, name="remove_view"),
    path("duplicates/", identity.duplicates, name="duplicates"),
    path("merges/<int:pk>/undo/", identity.unmerge, name="unmerge"),
    path("lists/", exporting.home, name="export_list"),
    path("lists/<slug:form>.csv", exporting.file, name="export_file"),
    path("import/", mailing.home, name="import"),
    path("import/file/", mailing.receive, name="import_file"),
    path("import/<int:pk>/", mailing.run, name="import_run"),
    path("import/<int:pk>/check/", mailing.check, name="import_check"),
    path("import/<int:pk>/start/", mailing.start, name="import_start"),
    path("import/<int:pk>/discard/", mailing.discard, name="import_discard"),
    path("import/<int:pk>/rejected.csv", mailing.rejected, name="import_rejected"),
    path("notes/<int:pk>/", views.note, name="note"),
    path("notes/<int:pk>/remove/", views.remove_note, name="remove_note"),
    path("notes/<int:pk>/restore/", views.restore_note, name="restore_note"),
    path("<int:pk>/", views.person, name="person"),
    path("<int:pk>/tags/", views.tags, name="tags"),
    path("<int:pk>/consent/", asking.said, name="said"),
    path("<int:pk>/preferences/send/", asking.send, name="send_preferences"),
    path("<int:pk>/notes/", views.add_note, name="add_note"),
    path("<int:pk>/segments/<int:segment>/", views.why, name="why"),
    path("<int:pk>/merge/<int:other>/", identity.merge, name="merge"),
    path("<int:pk>/apart/<int:other>/", identity.apart, name="apart"),
    path("<int:pk>/export/", identity.export, name="export"),
    path("<int:pk>/erase/", identity.erase, name="erase"),
]
