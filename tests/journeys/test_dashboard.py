"""The front page in a real browser: looked at, filtered, asked, downloaded, and all of it by keyboard."""

from __future__ import annotations

import csv
import re
from datetime import date, timedelta

import pytest
from django.utils import timezone

from retention.stores.models import Store
from tests.dashboard.shop import count, open_long_shop
from tests.metrics.shop import a_customer, an_order

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
HOME = "/fern-finch/"


@pytest.fixture
def shop(store: Store) -> Store:
    """Two years of buyers, and this month's."""
    open_long_shop(store, people=2)
    today: date = timezone.now().date()
    for number in range(40):
        customer = a_customer(store, first_name="Ann", last_name=f"No. {number}")
        an_order(customer, today - timedelta(days=40 + number), 4000, channel="email", country="US")
        if number % 3 == 0:
            an_order(customer, today - timedelta(days=number // 3), 2500)
    count(store)
    return store


def until(page, condition: str) -> None:
    """Asked again and again from outside: the page's policy forbids Playwright's own way of waiting."""
    for _ in range(150):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never true: {condition}")


def wait_for_charts(page) -> None:
    until(page, "document.querySelectorAll('.scatterlayer path, .barlayer path').length >= 5")


def focused(page) -> str:
    return str(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))


def press_until(page, key: str, wanted: str, *, most: int = 60) -> None:
    """Move the focus until it is where it is wanted, as somebody without a mouse does."""
    for _ in range(most):
        if focused(page) == wanted:
            return
        page.keyboard.press(key)
    raise AssertionError(f"{key} never reached {wanted!r}, but {focused(page)!r}")


def test_the_charts_are_drawn_and_everybody_can_use_the_page(enter, shop, olivia, assert_usable):
    page = enter(olivia, HOME)
    wait_for_charts(page)
    for name in ("curves", "new-customers", "net-revenue", "purchases", "repeat-rate"):
        box = page.locator(f"#chart-{name} svg.main-svg").first.bounding_box()
        assert box["width"] > 200
        assert box["height"] > 200
    assert_usable(page, "dashboard")


def test_the_colors_of_the_charts_follow_the_theme(enter, shop, olivia):
    page = enter(olivia, HOME)
    wait_for_charts(page)
    line = page.locator("#chart-new-customers .barlayer path").first
    light = line.evaluate("bar => getComputedStyle(bar).fill")
    page.emulate_media(color_scheme="dark")
    color = "getComputedStyle(document.querySelector('#chart-new-customers .barlayer path')).fill"
    until(page, f"{color} !== '{light}'")


def test_the_whole_page_by_keyboard(enter, shop, olivia):
    page = enter(olivia, HOME)
    wait_for_charts(page)
    press_until(page, "Tab", "chip-channel")
    page.keyboard.press("Enter")
    press_until(page, "Tab", "email40")
    page.keyboard.press("Enter")
    page.wait_for_url("**channel=email**")
    until(page, "document.activeElement.id === 'chip-channel'")
    assert page.locator("#chip-channel").inner_text() == "Channel: email"
    press_until(page, "Tab", "tab-clv")
    page.keyboard.press("Enter")
    page.wait_for_url("**tab=clv**")
    until(page, "document.activeElement.id === 'tab-clv'")
    assert "channel=email" in page.url
    page.go_back()
    page.wait_for_url(lambda url: "tab=clv" not in url)


def test_a_number_opens_its_people_and_gives_the_focus_back(enter, shop, olivia, assert_usable):
    page = enter(olivia, HOME)
    cell = page.locator(".heat td a").first
    cell.focus()
    page.keyboard.press("Enter")
    drawer = page.locator("#drawer")
    drawer.get_by_role("heading", level=2).wait_for()
    assert drawer.get_by_role("table").is_visible()
    assert_usable(page, "dashboard-drawer")
    page.keyboard.press("Escape")
    drawer.wait_for(state="hidden")
    assert page.evaluate("document.activeElement.closest('.heat') !== null")


def test_the_people_are_paged_and_downloaded(enter, shop, olivia):
    page = enter(olivia, HOME)
    page.locator("#card-order-value .value a").click()
    drawer = page.locator("#drawer")
    drawer.get_by_role("link", name=re.compile("Next")).click()
    drawer.get_by_role("link", name="First").wait_for()
    with page.expect_download() as got:
        drawer.get_by_role("link", name="CSV").click()
    with open(got.value.path(), encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.reader(file))) > 50


def test_a_chart_has_a_table_a_file_and_a_picture(enter, shop, olivia, assert_usable):
    page = enter(olivia, HOME)
    wait_for_charts(page)
    panel = page.locator("#cohorts")
    panel.get_by_role("link", name=re.compile("^Table")).click()
    page.locator("#drawer table").wait_for()
    assert_usable(page, "dashboard-table")
    page.keyboard.press("Escape")
    for name in ("cohorts", "chart-curves", "chart-net-revenue"):
        panel = page.locator(f"#{name}")
        panel.locator(".downloads summary").click()
        with page.expect_download() as got:
            panel.get_by_role("button", name=re.compile("PNG")).click()
        assert got.value.suggested_filename.endswith(".png")
        with open(got.value.path(), "rb") as file:
            picture = file.read()
        assert picture.startswith(b"\x89PNG")
        # Wide enough for a slide, and not an empty sheet.
        assert int.from_bytes(picture[16:20], "big") == 2400
        assert len(picture) > 20_000
        page.locator("h1").click()


def test_the_owner_sets_a_target_and_takes_it_back(enter, shop, olivia, assert_usable):
    page = enter(olivia, HOME)
    field = page.get_by_label("Your target")
    field.fill("nonsense")
    page.keyboard.press("Enter")
    page.locator("#target-error").wait_for()
    assert_usable(page, "dashboard-wrong-target")
    page.get_by_label("Your target").fill("95")
    page.keyboard.press("Enter")
    page.locator("#card-repeat-rate .legend", has_text="target 95").wait_for()
    page.get_by_role("button", name="Undo").click()
    page.locator("#card-repeat-rate .legend", has_text="target").wait_for(state="detached")
    assert Store.objects.get(pk=shop.pk).target_rpr is None


def test_cohorts_are_chosen_for_the_curves(enter, shop, olivia):
    page = enter(olivia, HOME)
    wait_for_charts(page)
    page.locator("#chip-curves").click()
    page.locator(".picker label").nth(3).click()
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url("**curve=**")
    wait_for_charts(page)


@pytest.mark.parametrize("role", ["olivia", "ana"])
def test_an_empty_store_can_be_used(request, enter, store, role, assert_usable):
    page = enter(request.getfixturevalue(role), HOME)
    assert page.get_by_role("heading", name="First, bring your orders").is_visible()
    assert_usable(page, f"dashboard-empty-{role}")


def test_a_filter_without_a_result_can_be_cleared(enter, shop, olivia, assert_usable):
    page = enter(olivia, f"{HOME}?channel=nowhere")
    assert page.get_by_text("None of the customers you chose").is_visible()
    assert_usable(page, "dashboard-nobody")
    page.get_by_role("link", name="Clear").click()
    page.locator("#cohorts").wait_for()


def test_without_javascript_everything_but_the_charts_is_there(browser, enter, live_server, shop, olivia):
    signed_in = enter(olivia, HOME).context.storage_state()
    page = browser.new_context(java_script_enabled=False, storage_state=signed_in).new_page()
    page.goto(live_server.url + HOME)
    page.locator("#cohorts .downloads a").first.click()
    assert page.get_by_role("heading", level=1).inner_text().startswith("Cohorts")
    page.get_by_role("link", name="Home", exact=True).last.click()
    page.locator("#card-repeat-rate .value a").click()
    assert page.get_by_role("heading", name="Repeat purchase rate").is_visible()
    page.context.close()


def test_a_bar_leads_to_the_people_behind_it(enter, shop, olivia):
    page = enter(olivia, HOME)
    wait_for_charts(page)
    chart = page.locator("#chart-purchases")
    chart.scroll_into_view_if_needed()
    until(page, "document.querySelectorAll('#chart-purchases .barlayer .point').length > 3")
    bar = chart.locator(".barlayer .point").last.bounding_box()
    assert bar
    # The last bar may be low: its foot is always there.
    page.mouse.move(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] - 2)
    page.mouse.click(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] - 2)
    drawer = page.locator("#drawer[open]")
    drawer.get_by_text("Who bought in this month").wait_for()
    assert drawer.get_by_text("Purchases, ").count() == 1
    assert drawer.get_by_text("Ann No. ").count() > 3
    assert drawer.get_by_role("link", name="Make a segment").count() == 1
