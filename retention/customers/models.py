"""People: who they are, and by which ids and addresses the outside world knows them."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from retention.stores.models import Store, User


class Customer(models.Model):
    """A person who bought or may buy.

    Profile fields are last-writer-wins registers, one version per field in `versions` (microseconds
    since 1970 of the source's own clock), so that any order of the same inputs gives the same person.
    """

    id = models.BigAutoField(primary_key=True)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="customers", db_index=False)
    email = models.CharField(max_length=320, blank=True, default="")
    phone = models.CharField(max_length=40, blank=True, default="")
    first_name = models.CharField(max_length=200, blank=True, default="")
    last_name = models.CharField(max_length=200, blank=True, default="")
    company = models.CharField(max_length=200, blank=True, default="")
    city = models.CharField(max_length=200, blank=True, default="")
    region = models.CharField(max_length=200, blank=True, default="")
    country = models.CharField(max_length=80, blank=True, default="")
    address1 = models.CharField(max_length=200, blank=True, default="", db_default="")
    address2 = models.CharField(max_length=200, blank=True, default="", db_default="")
    postal_code = models.CharField(max_length=40, blank=True, default="", db_default="")
    # `1990-02-28`, or `--02-28` when the year is not known; the last five characters are the day.
    birthday = models.CharField(max_length=10, blank=True, default="", db_default="")
    time_zone = models.CharField(max_length=64, blank=True, default="", db_default="")
    locale = models.CharField(max_length=35, blank=True, default="", db_default="")
    accepts_email = models.BooleanField(null=True)
    tags = models.JSONField(default=list)
    # Tags from mailing lists: added to those that the shop tells, and not taken away by them.
    added_tags = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    # Fields without a column of their own, by the label of the file they came in.
    custom = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    versions = models.JSONField(default=dict)
    # What was told of this record alone, once others were merged into it: undoing a merge starts from it.
    # `yields`: those of the others whose fields only fill gaps. See `registers`.
    own = models.JSONField(null=True, blank=True)
    # Set when this person was found to be another one; facts then hang on that one.
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="merged"
    )
    # The person asked to be forgotten: what is left is a pseudonym with numbers.
    erased_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["store", "id"], name="customers_customer_store"),
            models.Index(fields=["store", "email"], name="customers_customer_email"),
            models.Index(fields=["store", "phone"], name="customers_customer_phone"),
        ]

    def __str__(self) -> str:
        return self.name or self.email or f"Customer {self.pk}"

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


class Identity(models.Model):
    """One name by which the outside world knows a customer: a shop system's id, or a normalised e-mail.

    An e-mail is an identity of source `email`, so matching by id and by address is one rule.
    """

    id = models.BigAutoField(primary_key=True)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    source = models.CharField(max_length=32)
    external_id = models.CharField(max_length=320)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="identities")
    # The record that it named before that one was merged into `customer`; None when it is the same.
    home = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "source", "external_id"], name="customers_identity_once")
        ]

    def __str__(self) -> str:
        return f"{self.source}:{self.external_id}"


class Merge(models.Model):
    """`other` turned out to be the person of `survivor`. Undone, it stays as history."""

    id = models.BigAutoField(primary_key=True)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")
    survivor = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="merges")
    other = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    by = models.CharField(max_length=80)
    # A person of the store said which of the two records stays: its own fields win over those of the other.
    chosen = models.BooleanField(default=False, db_default=False)
    merged_at = models.DateTimeField(db_default=Now())
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.CharField(max_length=80, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["other"], condition=models.Q(undone_at=None), name="customers_merge_once"
            ),
            models.CheckConstraint(
                condition=~models.Q(other=models.F("survivor")), name="customers_merge_of_two"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.other_id} into {self.survivor_id}"


class Belonging(models.Model):
    """A fact that hangs on a merged person, and the record it would hang on if nothing had been merged."""

    id = models.BigAutoField(primary_key=True)
    # The fact's table, as its app declared it; a number, because the facts live in upper apps.
    fact = models.CharField(max_length=32)
    fact_id = models.BigIntegerField()
    home = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["fact", "fact_id"], name="customers_belonging_once")]

    def __str__(self) -> str:
        return f"{self.fact} {self.fact_id} of {self.home_id}"


class Apart(models.Model):
    """Two records that a person looked at and called two people."""

    id = models.BigAutoField(primary_key=True)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    low = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+", db_index=False)
    high = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    by = models.CharField(max_length=80)
    said_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "low", "high"], name="customers_apart_once"),
            models.CheckConstraint(
                condition=models.Q(low__lt=models.F("high")), name="customers_apart_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.low_id} is not {self.high_id}"


class Channel(models.TextChoices):
    EMAIL = "email", "E-mail"
    SMS = "sms", "SMS"
    ONSITE = "onsite", "On-site"


class Purpose(models.TextChoices):
    MARKETING = "marketing", "Marketing"
    TRANSACTIONAL = "transactional", "Transactional"


class Status(models.TextChoices):
    SUBSCRIBED = "subscribed", "Subscribed"
    UNSUBSCRIBED = "unsubscribed", "Unsubscribed"
    NEVER = "never_subscribed", "Never subscribed"
    SUPPRESSED = "suppressed", "Suppressed"


class Proof(models.Model):
    """What a person said or did about being written to. Append-only by database trigger: the only change
    it allows is blanking `ip` and `detail`, when the person is erased."""

    id = models.BigAutoField(primary_key=True)
    # Numbers, not foreign keys, as in the timeline: a proof outlives what it is about.
    store = models.ForeignKey(Store, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    customer = models.ForeignKey(
        Customer, on_delete=models.DO_NOTHING, db_constraint=False, related_name="proofs"
    )
    channel = models.CharField(max_length=8, choices=Channel.choices)
    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    # `asked` waits for the second step of a double opt-in, and changes nothing by itself.
    status = models.CharField(max_length=16, choices=[*Status.choices, ("asked", "Asked to confirm")])
    reason = models.CharField(max_length=80, blank=True, default="")
    source = models.CharField(max_length=32)
    method = models.CharField(max_length=32)
    wording = models.CharField(max_length=40, blank=True, default="", help_text="Version of the wording.")
    at = models.DateTimeField()
    ip = models.GenericIPAddressField(null=True, blank=True)
    detail = models.JSONField(default=dict)
    # Told by a file: it can take a consent away, never give one back.
    imported = models.BooleanField(default=False)
    by = models.CharField(max_length=80, default="system")
    recorded_at = models.DateTimeField(db_default=Now())
    # The same evidence told twice is one proof.
    key = models.CharField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer", "key"], name="customers_proof_once"),
            models.CheckConstraint(
                condition=models.Q(channel__in=Channel.values), name="customers_proof_channel"
            ),
            models.CheckConstraint(
                condition=models.Q(purpose__in=Purpose.values), name="customers_proof_purpose"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=[*Status.values, "asked"]), name="customers_proof_status"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.channel} {self.purpose} {self.at:%Y-%m-%d}"


class Consent(models.Model):
    """Where a person stands now, per channel and purpose: what the proofs say, kept for quick reading.

    No row: never subscribed."""

    id = models.BigAutoField(primary_key=True)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="consents")
    channel = models.CharField(max_length=8, choices=Channel.choices)
    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    status = models.CharField(max_length=16, choices=Status.choices)
    reason = models.CharField(max_length=80, blank=True, default="")
    since = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer", "channel", "purpose"], name="customers_consent_once"),
            models.CheckConstraint(
                condition=models.Q(status__in=Status.values), name="customers_consent_status"
            ),
        ]
        indexes = [
            models.Index(fields=["store", "channel", "purpose", "status"], name="customers_consent_group")
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.channel} {self.purpose}"


class ConsentSettings(models.Model):
    """How a store asks for consent."""

    store = models.OneToOneField(Store, on_delete=models.CASCADE, primary_key=True, related_name="+")
    double_opt_in = models.BooleanField(
        default=False, help_text="A new subscriber confirms by a link in a mail before the first message."
    )
    wording = models.TextField(blank=True, default="", help_text="The sentence beside the box to tick.")
    wording_version = models.CharField(max_length=40, blank=True, default="1")

    def __str__(self) -> str:
        return f"Consent in {self.store}"


class Topic(models.Model):
    """Something a store writes about, which a shopper can turn off by itself."""

    id = models.BigAutoField(primary_key=True)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="topics")
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=200, blank=True, default="")
    position = models.IntegerField(default=0)
    archived = models.BooleanField(default=False)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["store", "name"], name="customers_topic_once")]

    def __str__(self) -> str:
        return self.name


class Frequency(models.TextChoices):
    ALL = "all", "Everything"
    WEEKLY = "weekly", "At most once a week"
    MONTHLY = "monthly", "At most once a month"


class Preference(models.Model):
    """How much, and about what, a person wants to hear. No row: everything, about all.

    The row of a record into which others were merged shows what the person chose last: see `choosing`."""

    customer = models.OneToOneField(
        Customer, on_delete=models.CASCADE, primary_key=True, related_name="preference"
    )
    # Topics turned off, so that a new topic reaches everybody who did not refuse it.
    muted = models.ManyToManyField(Topic, blank=True, related_name="+")
    frequency = models.CharField(max_length=8, choices=Frequency.choices, default=Frequency.ALL)
    paused_until = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField()
    # What this record chose itself, once others were merged into it: the columns are the person's then.
    own = models.JSONField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(frequency__in=Frequency.values), name="customers_preference_frequency"
            )
        ]

    def __str__(self) -> str:
        return f"{self.frequency} for {self.customer_id}"


class Forgotten(models.Model):
    """The hash of a name of an erased person: what comes in under it hangs on the pseudonym, without name
    or address. Hashed with the store's own salt."""

    id = models.BigAutoField(primary_key=True)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    source = models.CharField(max_length=32)
    digest = models.CharField(max_length=64)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    forgotten_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "source", "digest"], name="customers_forgotten_once")
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.digest[:8]}"


class Salt(models.Model):
    """What a store mixes into the hashes of erased people. Moves with the data, unlike the secret key."""

    store = models.OneToOneField(Store, on_delete=models.CASCADE, primary_key=True, related_name="+")
    value = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"Salt of {self.store}"


class Note(models.Model):
    """What somebody of the store wrote down about a person. Here and not in the dashboard: a merge moves it,
    an export shows it and erasing empties it, as with every other fact about people."""

    id = models.BigAutoField(primary_key=True)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    text = models.TextField()
    written_at = models.DateTimeField(db_default=Now())
    edited_at = models.DateTimeField(null=True, blank=True)
    # Kept for as long as the deletion can be undone.
    deleted_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Note {self.pk} about {self.customer_id}"


class Tagging(models.Model):
    """One tag, put on or taken off many people at once, and whose tags that changed: undo reverses those."""

    id = models.BigAutoField(primary_key=True)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")
    tag = models.CharField(max_length=80)
    added = models.BooleanField()
    customers = models.JSONField(default=list)
    by = models.CharField(max_length=80)
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{'+' if self.added else '-'}{self.tag} on {len(self.customers)}"
