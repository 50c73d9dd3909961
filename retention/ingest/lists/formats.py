"""The files of mailing tools: which column is what, and by which columns a file gives itself away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from retention.ingest.files.reading import Unreadable


@dataclass(frozen=True)
class ListFormat:
    """`columns` are header -> field, in the order in which the tool writes them; `also` are other headers
    for the same fields. What is in neither is a custom field under its own header.

    `id` is the tool's own number of a person, kept as a name of source `name`.
    """

    name: str
    title: str
    columns: dict[str, str]
    is_it: Callable[[set[str]], bool]
    also: dict[str, str] = field(default_factory=dict)
    delimiter: str = ","
    # How the tags of one cell are written: quoted list, comma separated, or a column per tag.
    tags: str = "comma"


def _lower(names: set[str]) -> set[str]:
    return {name.lower() for name in names}


def _mailchimp(names: set[str]) -> bool:
    own = {"member_rating", "optin_time", "confirm_time", "leid", "euid", "unsub_time", "clean_time"}
    return "email address" in _lower(names) and bool(own & _lower(names))


def _klaviyo(names: set[str]) -> bool:
    own = {"klaviyo id", "state / region", "organization", "timezone"}
    told = {"email marketing consent", "sms marketing consent", "sms transactional consent"}
    mail = {"email", "email address", "phone number"}
    return bool(mail & _lower(names)) and bool((own | told) & _lower(names))


def _constant_contact(names: set[str]) -> bool:
    own = {"job title", "anniversary", "home address line 1", "work address line 1"}
    own |= {"state / province", "zip / postal code", "phone number - home", "phone number - work"}
    own |= {"phone number - mobile"}
    return "email address" in _lower(names) and bool(own & _lower(names))


def _brevo(names: set[str]) -> bool:
    # Attributes are written in capitals; the case tells them from Drip's and GetResponse's.
    own = {"SMS", "WHATSAPP", "LANDLINE_NUMBER", "EXT_ID", "FIRSTNAME", "LASTNAME", "PRENOM", "NOM"}
    return bool({"EMAIL", "SMS", "EXT_ID"} & names) and bool(own & names)


def _drip(names: set[str]) -> bool:
    own = {"first_name", "last_name", "address1", "address2", "lifetime_value", "time_zone"}
    return "email" in names and bool(own & names)


def _getresponse(names: set[str]) -> bool:
    own = {"name", "birthdate", "mobile_phone", "home_phone", "work_phone", "postal_code", "http_referer"}
    return "email" in names and (bool(own & names) or any(name.startswith("tag:") for name in names))


def _activecampaign(names: set[str]) -> bool:
    own = {"account", "tags", "phone", "first name", "last name"}
    return bool({"email", "phone"} & _lower(names)) and bool(own & _lower(names))


MAILCHIMP = ListFormat(
    "mailchimp",
    "Mailchimp",
    {
        "Email Address": "email", "First Name": "first_name", "Last Name": "last_name",
        "Phone Number": "phone", "Birthday": "birthday", "REGION": "region", "CC": "country",
        "TIMEZONE": "time_zone", "EUID": "id", "TAGS": "tags",
    },
    _mailchimp,
    tags="quoted",
)  # fmt: skip
BREVO = ListFormat(
    "brevo",
    "Brevo",
    {"EMAIL": "email", "SMS": "phone", "EXT_ID": "id", "FIRSTNAME": "first_name", "LASTNAME": "last_name"},
    _brevo,
    also={"PRENOM": "first_name", "NOM": "last_name", "BIRTHDAY": "birthday"},
    delimiter=";",
)
KLAVIYO = ListFormat(
    "klaviyo",
    "Klaviyo",
    {
        "Email": "email", "Phone Number": "phone", "First Name": "first_name", "Last Name": "last_name",
        "Organization": "company", "Address": "address1", "Address 2": "address2", "City": "city",
        "State / Region": "region", "Zip Code": "postal_code", "Country": "country",
        "Timezone": "time_zone", "Klaviyo ID": "id",
    },
    _klaviyo,
    also={"Email Address": "email", "Birthday": "birthday"},
)  # fmt: skip
ACTIVECAMPAIGN = ListFormat(
    "activecampaign",
    "ActiveCampaign",
    {
        "Email": "email", "First Name": "first_name", "Last Name": "last_name", "Phone": "phone",
        "Account": "company", "Tags": "tags",
    },
    _activecampaign,
    also={"Birthday": "birthday"},
)  # fmt: skip
DRIP = ListFormat(
    "drip",
    "Drip",
    {
        "email": "email", "first_name": "first_name", "last_name": "last_name", "phone": "phone",
        "address1": "address1", "address2": "address2", "city": "city", "state": "region",
        "zip": "postal_code", "country": "country", "time_zone": "time_zone",
    },
    _drip,
    also={"birthday": "birthday"},
)  # fmt: skip
GETRESPONSE = ListFormat(
    "getresponse",
    "GetResponse",
    {
        "email": "email", "name": "name", "phone": "phone", "street": "address1", "city": "city",
        "state": "region", "postal_code": "postal_code", "country": "country", "company": "company",
        "birthdate": "birthday",
    },
    _getresponse,
    tags="columns",
)  # fmt: skip
CONSTANT_CONTACT = ListFormat(
    "constant_contact",
    "Constant Contact",
    {
        "Email Address": "email", "First Name": "first_name", "Last Name": "last_name",
        "Company": "company", "Birthday": "birthday", "Home Address Line 1": "address1",
        "Home Address Line 2": "address2", "City": "city", "State / Province": "region",
        "Zip / Postal Code": "postal_code", "Country": "country", "Phone Number - Home": "phone",
    },
    _constant_contact,
)  # fmt: skip

# In the order in which they are asked: the ones with the most telling headers first.
FORMATS = {
    form.name: form
    for form in (MAILCHIMP, CONSTANT_CONTACT, KLAVIYO, BREVO, DRIP, GETRESPONSE, ACTIVECAMPAIGN)
}
TOOLS = ", ".join(form.title for form in list(FORMATS.values())[:-1])
TOOLS += f" or {list(FORMATS.values())[-1].title}"
EXPECTED = f"expected was a list of people exported from {TOOLS}, as CSV or Excel file"


def recognise(header: list[str]) -> ListFormat:
    """The mailing tool that wrote a file with this header. Raises Unreadable with a reason."""
    names = {name.strip() for name in header}
    for form in FORMATS.values():
        if form.is_it(names):
            return form
    raise Unreadable(
        f"The file was not recognized by its columns ({', '.join(header)[:200]}): {EXPECTED};"
        " if it is one, name the tool."
    )
