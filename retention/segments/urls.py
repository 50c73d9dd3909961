from django.urls import path

from retention.segments import building, views

app_name = "segments"
urlpatterns = [
    path("", views.home, name="home"),
    path("schema.json", views.schema, name="schema"),
    path("choices/", views.choices, name="choices"),
    path("compare/", views.compare, name="compare"),
    path("new/", building.new, name="new"),
    path("adopt/", views.adopt, name="adopt"),
    path("import/", views.import_json, name="import"),
    path("list/", views.new_list, name="list"),
    path("<int:pk>/", views.segment, name="segment"),
    path("<int:pk>/edit/", building.edit, name="edit"),
    path("<int:pk>/explain/", views.explain, name="explain"),
    path("<int:pk>/people.csv", views.people_csv, name="people_csv"),
    path("<int:pk>/segment.json", views.export_json, name="json"),
    path("<int:pk>/archive/", views.archive, name="archive"),
    path("<int:pk>/restore/", views.restore, name="restore"),
    path("<int:pk>/duplicate/", views.duplicate, name="duplicate"),
    path("<int:pk>/review/", views.review, name="review"),
    path("<int:pk>/snapshot/", views.snapshot, name="snapshot"),
    path("<int:pk>/add/", views.add, name="add"),
    path("<int:pk>/remove/", views.remove, name="remove"),
]
