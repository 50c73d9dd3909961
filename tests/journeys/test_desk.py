"""The owner's desk and the shell around every page: settings, people, menus, drawer, toasts, keyboard, print."""

from __future__ import annotations

import pytest

from retention.dashboard import desk_actions as actions
from retention.stores.models import Membership, OutboxMail, Role, Store
from retention.timeline.actions import record
from tests import world
from tests.conftest import PASSWORD, keep_picture

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
LONG = "Grüne Gärten & Töchter 🌿 " * 4


def test_an_owner_changes_settings_and_reads_what_is_wrong(enter, store, olivia, assert_usable):
    page = enter(olivia, "/fern-finch/settings/")
    assert_usable(page, "settings")
    page.get_by_label("Your target, %").fill("133")
    page.locator("form[enctype]").evaluate("form => form.noValidate = true")
    page.get_by_role("button", name="Save settings").click()
    assert page.get_by_text("less than or equal to 100").is_visible()
    assert_usable(page, "settings-wrong")
    page.get_by_label("Your target, %").fill("33")
    page.get_by_label("Time zone").select_option("Europe/Paris")
    page.get_by_role("button", name="Save settings").click()
    assert page.get_by_role("status").get_by_text("Settings saved").is_visible()
    assert_usable(page, "settings-saved")
    store.refresh_from_db()
    assert (store.time_zone, store.target_rpr) == ("Europe/Paris", 33)
    # The last look was that of a telephone.
    page.get_by_role("navigation", name="Main").get_by_text("More").click()
    page.get_by_role("link", name="Activity").click()
    assert page.get_by_text("Changed the settings").is_visible()
    assert_usable(page, "activity")


def test_an_owner_invites_and_takes_back(enter, store, olivia, marco, sam, ana, assert_usable):
    page = enter(olivia, "/fern-finch/settings/members/")
    page.get_by_label("E-mail").fill("nora@example.com")
    page.get_by_role("button", name="Send invitation").click()
    assert page.get_by_role("button", name="Take back the invitation of nora@example.com").is_visible()
    assert_usable(page, "members")
    page.get_by_role("button", name="Take back the invitation of nora@example.com").click()
    assert not page.get_by_text("nora@example.com").is_visible()
    page.get_by_label("Role of Marco").select_option("analyst")
    page.get_by_role("button", name="Change the role of Marco").click()
    assert page.get_by_text("Marco is now analyst").is_visible()
    page.get_by_role("button", name="Remove Olivia").click()
    assert page.get_by_text("A store needs an owner").is_visible()
    assert_usable(page, "members-refused")


def test_long_names_stay_inside_the_page(enter, db, olivia, store, assert_usable):
    store.name = LONG[:120]
    store.save()
    olivia.name = "Anastasia-Wilhelmina " * 5
    olivia.save()
    page = enter(olivia, "/fern-finch/settings/members/")
    assert_usable(page, "long-names")
    page.locator("details.menu summary").click()
    assert_usable(page, "long-names-menu")


def test_the_outbox_shows_what_was_not_sent(enter, store, ada, assert_usable):
    page = enter(ada, "/outbox/")
    assert_usable(page, "outbox-empty")
    for number in range(3):
        OutboxMail.objects.create(
            to=f"nora{number}@example.com", subject="Your invitation", text="Open\nhttp://x/"
        )
    page.reload()
    page.locator("details:has-text('nora2')").locator("summary").click()
    assert_usable(page, "outbox")


def test_the_menu_switches_stores_and_theme(enter, live_server, store, olivia):
    other = Store.objects.create(name="Second shop", slug="second")
    Membership.objects.create(store=other, user=olivia, role=Role.ANALYST)
    page = enter(olivia, "/fern-finch/activity/")
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"
    page.get_by_role("link", name="Second shop").click()
    page.wait_for_url(lambda url: url.endswith("/second/"))
    assert page.evaluate("document.documentElement.dataset.theme") == "dark", "kept on the next page"
    assert page.get_by_role("link", name="Settings").count() == 0, "an analyst does not own"


def open_drawer(page) -> None:
    page.evaluate(
        "htmx.ajax('GET', '/fern-finch/numbers/repeat-rate/', {target: '#drawer', source: '#main'}).catch(() => {})"
    )
    page.locator("#drawer[open]").wait_for()


def test_the_drawer_keeps_the_focus_and_gives_it_back(enter, olivia, assert_usable):
    page = enter(olivia, "/fern-finch/activity/")
    page.get_by_role("link", name="Customers", exact=True).focus()
    open_drawer(page)
    assert_usable(page, "drawer")
    inside = "document.activeElement === document.body || document.getElementById('drawer').contains(document.activeElement)"
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate(inside), "the focus left the drawer"
    page.keyboard.press("Escape")
    page.locator("#drawer:not([open])").wait_for(state="attached")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Customers"
    open_drawer(page)
    page.get_by_role("button", name="Close").click()
    page.locator("#drawer:not([open])").wait_for(state="attached")


def test_a_toast_can_be_dismissed_and_says_itself(enter, store, olivia):
    page = enter(olivia, "/fern-finch/settings/")
    page.get_by_role("button", name="Save settings").click()
    toast = page.get_by_role("status").get_by_text("Settings saved")
    toast.wait_for()
    page.get_by_role("button", name="Dismiss").click()
    assert not toast.is_visible()


def test_an_error_on_the_way_is_told(enter, olivia):
    page = enter(olivia, "/fern-finch/activity/")
    page.route("**/gone/", lambda route: route.fulfill(status=500, body="no"))
    page.evaluate("htmx.ajax('GET', '/gone/', {target: '#drawer', source: '#main'}).catch(() => {})")
    page.get_by_text("Nothing was changed; please try again").wait_for()
    page.route("**/cut/", lambda route: route.abort())
    page.evaluate("htmx.ajax('GET', '/cut/', {target: '#drawer', source: '#main'}).catch(() => {})")
    page.get_by_text("The server did not answer").wait_for()


def press_until(page, name: str, *, most: int = 40) -> None:
    """Walk with the Tab key until the focus is on something called so."""
    for _ in range(most):
        page.keyboard.press("Tab")
        said = page.evaluate(
            "(document.activeElement.ariaLabel || document.activeElement.labels?.[0]?.innerText"
            " || document.activeElement.innerText || '').trim()"
        )
        if name in said:
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"nobody sees that the focus is on {said}"
            return
    raise AssertionError(f"{name} is out of reach of the keyboard")


def test_from_sign_in_to_saved_settings_without_a_mouse(page, live_server, store, olivia):
    page.goto(f"{live_server.url}/accounts/login/?next=/fern-finch/activity/")
    press_until(page, "Email")
    page.keyboard.type(olivia.email)
    press_until(page, "Password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url.endswith("/activity/") and "login" not in url)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Skip to content"
    press_until(page, "Settings")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url.endswith("/settings/"))
    press_until(page, "Name")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("Fern, Finch & Co")
    press_until(page, "Save settings")
    page.keyboard.press("Enter")
    page.get_by_text("Settings saved").wait_for()
    store.refresh_from_db()
    assert store.name == "Fern, Finch & Co"
    press_until(page, "Fern, Finch & Co")
    page.keyboard.press("Enter")
    press_until(page, "Sign out")
    page.keyboard.press("Escape")
    assert page.evaluate("document.querySelector('details.menu').open") is False


def test_paper_carries_the_page_without_the_shell(enter, store, olivia):
    page = enter(olivia, "/fern-finch/settings/members/")
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.get_by_role("navigation", name="Main").is_visible()
    assert page.get_by_role("cell", name="Olivia").first.is_visible()
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"


def test_without_javascript_an_owner_still_invites(browser, live_server, store, olivia):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{live_server.url}/accounts/login/?next=/fern-finch/settings/members/")
    page.get_by_label("Email").fill(olivia.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_label("E-mail").fill("nora@example.com")
    page.get_by_role("button", name="Send invitation").click()
    assert page.get_by_role("button", name="Take back the invitation of nora@example.com").is_visible()
    page.context.close()


def test_the_administrators_admin_wears_the_brand(enter, live_server, store, ada, olivia):
    customer = world.a_customer(store, first_name="Nora", last_name="Bell", city="Lyon", country="FR")
    for _ in range(3):
        world.an_order(customer)
    page = enter(ada, "/admin/")
    for name, path in (
        ("admin", ""),
        ("admin-stores", "stores/store/"),
        ("admin-store", f"stores/store/{store.pk}/change/"),
        ("admin-customer", f"customers/customer/{customer.pk}/change/"),
        ("admin-orders", "orders/order/"),
        ("admin-events", "timeline/event/"),
    ):
        page.goto(f"{live_server.url}/admin/{path}")
        page.get_by_role("link", name="Customers").first.wait_for()
        keep_picture(page, name)
    color = page.evaluate(
        "getComputedStyle(document.documentElement).getPropertyValue('--color-primary-600')"
    )
    assert color.strip() == "#1c6b4f"


def test_activity_is_paged(enter, store, olivia, assert_usable):
    for number in range(60):
        record(store, actions.words.SettingsChanged(fields=f"field {number}"), by=f"user:{olivia.pk}")
    page = enter(olivia, "/fern-finch/activity/")
    page.get_by_role("link", name="Earlier").click()
    assert page.get_by_text("field 9", exact=False).first.is_visible()
    assert_usable(page, "activity-earlier")
