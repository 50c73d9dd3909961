from django.urls import path

from retention.ingest import views

app_name = "ingest"
urlpatterns = [
    path("", views.home, name="home"),
    path("upload/", views.upload, name="upload"),
    path("<int:pk>/", views.run, name="run"),
    path("<int:pk>/mapping/", views.mapping, name="mapping"),
    path("<int:pk>/check/", views.check, name="check"),
    path("<int:pk>/start/", views.start, name="start"),
    path("<int:pk>/discard/", views.discard, name="discard"),
    path("<int:pk>/rejected.csv", views.rejected, name="rejected"),
]
