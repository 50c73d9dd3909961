from django.urls import path

from retention.dashboard import desk

app_name = "desk"
urlpatterns = [
    path("settings/", desk.settings, name="settings"),
    path("settings/logo/", desk.logo, name="logo"),
    path("settings/members/", desk.members, name="members"),
    path("settings/members/<int:pk>/role/", desk.role, name="role"),
    path("settings/members/<int:pk>/remove/", desk.remove, name="remove"),
    path("settings/invitations/<int:pk>/withdraw/", desk.withdraw, name="withdraw"),
    path("activity/", desk.activity, name="activity"),
]
