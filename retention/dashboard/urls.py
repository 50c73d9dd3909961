from django.urls import path

from retention.dashboard import views

app_name = "dashboard"
urlpatterns = [
    path("", views.home, name="home"),
    path("target/", views.target, name="target"),
    path("numbers/<slug:name>/", views.number, name="number"),
    path("numbers/<slug:name>/customers.csv", views.customers_csv, name="customers_csv"),
    path("charts/<slug:name>/", views.chart, name="chart"),
    path("charts/<slug:name>.csv", views.chart_csv, name="chart_csv"),
    path("charts/<slug:name>.json", views.chart_json, name="chart_json"),
]
