"""Stores, the people who work in them, and what they may do."""

from __future__ import annotations

from zoneinfo import ZoneInfo, available_timezones

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, validate_slug
from django.db import models


def validate_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(
            "“%(name)s” is not a time zone. Use a name such as Europe/Paris.", params={"name": name}
        )


# First segments of addresses that are not stores.
RESERVED = frozenset(
    {"accounts", "admin", "healthz", "join", "outbox", "preferences", "setup", "static", "uploads"}
)


def validate_free_slug(slug: str) -> None:
    if slug in RESERVED:
        raise ValidationError("“%(slug)s” is an address of Perennial itself.", params={"slug": slug})


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: object) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> User:
        return self.create_user(email, password, **{**fields, "is_staff": True, "is_superuser": True})


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody who logs in, known by e-mail address."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("administrator", default=False)
    date_joined = models.DateTimeField(auto_now_add=True)

    objects = UserManager()

    USERNAME_FIELD = "email"

    def __str__(self) -> str:
        return self.name or self.email


class Store(models.Model):
    """One shop. Every other row belongs to one."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True, validators=[validate_slug, validate_free_slug])
    currency = models.CharField(max_length=3, default="USD", validators=[RegexValidator(r"^[A-Z]{3}$")])
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    locale = models.CharField(max_length=16, default="en_US")
    brand_color = models.CharField(
        max_length=7,
        default="#1c6b4f",
        validators=[RegexValidator(r"^#[0-9a-fA-F]{6}$", "Use a color such as #1c6b4f.")],
    )
    logo = models.FileField(upload_to="logos/", blank=True)
    benchmark_rpr = models.DecimalField(max_digits=5, decimal_places=2, default=28)
    target_rpr = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class Role(models.TextChoices):
    OWNER = "owner", "Owner"
    MARKETER = "marketer", "Marketer"
    SUPPORT = "support", "Support"
    ANALYST = "analyst", "Analyst"


class Membership(models.Model):
    """What a person may do in a store."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.ANALYST)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "user"], name="stores_membership_once"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="stores_membership_role"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.store}"


class Invitation(models.Model):
    """A place in a store, offered by e-mail through a signed link that expires."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.ANALYST)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "email"],
                condition=models.Q(accepted_at=None),
                name="stores_invitation_open_once",
            ),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="stores_invitation_role"),
        ]

    def __str__(self) -> str:
        return f"{self.email} to {self.store}"


class SetupToken(models.Model):
    """The key to the set-up page of an empty installation. Only its hash is kept."""

    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"until {self.expires_at:%Y-%m-%d %H:%M}"


class OutboxMail(models.Model):
    """A mail that was not sent, because no mail server is configured."""

    to = models.TextField()
    subject = models.TextField(blank=True)
    text = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.subject} to {self.to}"
