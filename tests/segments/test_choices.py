"""What the fields of the builder offer while one types, and what becomes of it in the form."""

from __future__ import annotations

import html
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from retention.catalog.models import Product
from retention.customers.tagging import tag_customers
from retention.segments import actions
from retention.segments.choices import MOST, found
from retention.segments.models import Segment
from retention.stores.models import Store
from tests.dashboard.shop import count
from tests.metrics.shop import a_customer, an_order
from tests.segments.test_builder import NEW, fields, press, rule_of

pytestmark = pytest.mark.django_db
URL = "/fern-finch/segments/choices/"
BOUGHT = {"r-0:if": "products.bought", "r-0:is": "yes", "r-0:of.kind": "product"}


def a_product(store: Store, title: str = "", **more) -> Product:
    sku = more.pop("sku", f"S-{title}")
    return Product.objects.create(
        store=store, source="test", external_id=f"{title}{sku}", title=title, sku=sku, **more
    )


@pytest.fixture
def web(as_user, marco) -> Client:
    return as_user(marco)


def labels(store: Store, what: str, typed: str = "") -> list[str]:
    return [one.label for one in found(store, what, typed).options]


def offered(web: Client, what: str, typed: str) -> list[str]:
    page = web.get(URL, {"of": what, "field": "r-0:find.value", "r-0:find.value": typed}).content.decode()
    return [html.unescape(one) for one in re.findall(r'data-label="([^"]*)"', page)]


def test_products_are_found_by_words_of_title_and_sku(store):
    for title, sku in (("Blue mug", "M-1"), ("Tea, blue tin", "T-7"), ("Red mug", "M-2"), ("", "BARE-3")):
        a_product(store, title, sku=sku)
    assert labels(store, "product", "blue") == ["Blue mug", "Tea, blue tin"]
    assert labels(store, "product", "mug blue") == ["Blue mug"]
    assert labels(store, "product", "m-2") == ["Red mug"]
    assert labels(store, "product", "m-2 red") == ["Red mug"]
    assert labels(store, "product", "bare") == ["BARE-3"]
    assert labels(store, "product", "100% _") == []


def test_the_nearest_come_first_and_never_more_than_twenty(store):
    Product.objects.bulk_create(
        Product(store=store, source="t", external_id=str(n), sku=f"K-{n:04}", title=f"Kettle {n:04}")
        for n in range(5_000)
    )
    a_product(store, "Spare part for K-0042", sku="X")
    some = found(store, "product", "k-0042")
    assert [one.label for one in some.options] == ["Kettle 0042", "Spare part for K-0042"]
    many = found(store, "product", "kettle")
    assert (len(many.options), many.more) == (MOST, True)
    assert many.options[0].label == "Kettle 0000"


def test_values_are_those_of_the_store_alone(store, other_store):
    for shop, word in ((store, "ours"), (other_store, "theirs")):
        a_product(
            shop, f"{word} cup", category=f"{word} cups", vendor=f"{word} & co", tags=[f"{word} new", "x"]
        )
        person = a_customer(shop, tags=[f"{word} vip"])
        an_order(
            person, 1, channel=f"{word} mail", campaign=f"{word} spring", coupon=f"{word} 10%", country="NZ"
        )
        Segment.objects.create(store=shop, name=f"{word} people", kind="list")
        Segment.objects.create(store=shop, name=f"{word} rule", rule={"any": []})
        count(shop)
    told = {
        "product": "ours cup", "category": "ours cups", "vendor": "ours & co", "sku": "S-ours cup",
        "product_tag": "ours new", "tag": "ours vip", "channel": "ours mail", "campaign": "ours spring",
        "coupon": "ours 10%", "list": "ours people", "segment": "ours rule",
    }  # fmt: skip
    for what, label in told.items():
        assert labels(store, what, "OUR") == [label], what
        assert labels(store, what, "theirs") == [], what


def test_a_tag_that_was_given_to_many_is_offered(store):
    tag_customers(store, [a_customer(store).pk], "Table setters", by="test")
    assert labels(store, "tag", "table") == ["Table setters"]


def test_the_field_is_answered_with_options(web, store):
    a_product(store, "Mug “Fern” <b>", sku="M-1")
    assert offered(web, "product", "fern") == ["Mug “Fern” <b>"]
    page = web.get(
        URL,
        {"of": "vendor", "field": "r-0:value", "r-0:value": "<i>"},
        headers={"HX-Request": "true", "HX-Target": "r-0-value-choices"},
    ).content.decode()
    assert 'id="r-0-value-list" role="listbox"' in page
    assert "No vendors with “&lt;i&gt;”" in page


@pytest.mark.parametrize("what", ["", "nonsense", "orders.count", "password"])
def test_nothing_else_is_offered(web, store, what):
    assert web.get(URL, {"of": what}).status_code == 404


@pytest.mark.parametrize("typed", ["\x00", "%", "'", "x" * 9_000, "\\", "a " * 500])
def test_no_word_breaks_the_search(web, store, typed):
    for what in ("product", "category", "tag", "segment"):
        assert offered(web, what, typed) == []


def test_support_and_analysts_have_no_use_for_it(as_user, sam, ana, stranger, store):
    seen = [as_user(who).get(URL, {"of": "product"}).status_code for who in (sam, ana, stranger)]
    assert seen == [403, 403, 404]


def test_a_chosen_product_is_shown_by_its_title(web, store, other_store):
    mug, theirs = a_product(store, "Blue mug", sku="M-1"), a_product(other_store, "Secret")
    page = press(web, "check", **BOUGHT, **{"r-0:of.value": [str(mug.pk), str(theirs.pk)]})
    text = page.content.decode()
    assert "<span>Blue mug</span> <small>M-1</small>" in text
    assert "Secret" not in text
    assert f"<span>Product {theirs.pk}</span> <small>not there any more</small>" in text
    assert rule_of(page, store)["all"][0]["of"] == {"product": [mug.pk, theirs.pk]}


def test_a_page_of_thousands_of_products_holds_only_the_chosen(web, store):
    Product.objects.bulk_create(
        Product(store=store, source="t", external_id=str(n), title=f"Kettle {n:04}") for n in range(3_000)
    )
    mine = Product.objects.get(title="Kettle 2999")
    rule = actions.create_segment(
        store, name="K", by="test", rule={"if": "products.bought", "is": "yes", "of": {"product": [mine.pk]}}
    )
    url = f"/fern-finch/segments/{rule.pk}/edit/"
    with CaptureQueriesContext(connection) as few:
        page = web.get(url)
    assert "Kettle 2999" in page.content.decode()
    assert "Kettle 0001" not in page.content.decode()
    assert not any("catalog_product" in one["sql"] and "LIMIT" in one["sql"] for one in few)
    assert rule_of(page, store) == {"all": [rule.rule]}


def test_several_values_come_back_as_chips(web, store):
    form = {"r-0:if": "products.bought", "r-0:is": "yes", "r-0:of.kind": "category"}
    page = press(web, "check", **form, **{"r-0:of.value": ["Tea\nMugs", "Tea"]})
    assert rule_of(page, store)["all"][0]["of"] == {"category": ["Tea", "Mugs"]}
    page = web.post(NEW, {**fields(page.content.decode()), "do": "drop:r-0.of.value.0"})
    assert rule_of(page, store)["all"][0]["of"] == {"category": ["Mugs"]}
    for command in ("drop:r-0.of.value.7", "drop:r-0.of.value", "drop:r-0", "drop:r-9.of.value.0"):
        again = web.post(NEW, {**fields(page.content.decode()), "do": command})
        assert rule_of(again, store)["all"][0]["of"] == {"category": ["Mugs"]}


def test_a_typed_word_is_a_value_without_being_on_the_list(web, store):
    form = {
        "r-0:if": "profile.tags",
        "r-0:is": "has_any_of",
        "r-0:value": "vip",
        "r-0:find.value": "new, one",
    }
    page = press(web, "check", **form)
    assert rule_of(page, store)["all"][0]["value"] == ["vip", "new, one"]
    assert 'name="r-0:find.value" value=""' in page.content.decode()


def test_without_javascript_a_typed_word_finds_products_to_tick(web, store):
    mug = a_product(store, "Blue mug", sku="M-1")
    page = press(web, "check", **BOUGHT, **{"r-0:find.of.value": "blue"})
    tick = f'<input type="checkbox" name="r-0:of.value" value="{mug.pk}"> Blue mug M-1'
    assert tick in page.content.decode()
    form = fields(page.content.decode())
    page = web.post(NEW, {**form, "do": "check", "r-0:of.value": [str(mug.pk)], "r-0:find.of.value": ""})
    assert rule_of(page, store)["all"][0]["of"] == {"product": [mug.pk]}


def test_other_goods_take_over_nothing_of_the_former(web, store):
    mug = a_product(store, "Blue mug")
    form = fields(press(web, "check", **BOUGHT, **{"r-0:of.value": str(mug.pk)}).content.decode())
    page = web.post(NEW, {**form, "do": "check", "r-0:of.kind": ["category"]})
    assert "of" not in rule_of(page, store)["all"][0] or rule_of(page, store)["all"][0]["of"] == {
        "category": []
    }


def test_many_segments_are_searched_and_few_are_a_list(web, store):
    form = {"r-0:if": "segments.member", "r-0:is": "in"}
    Segment.objects.create(store=store, name="Loyal", rule={"any": []})
    assert '<option value="">choose…' in html.unescape(press(web, "check", **form).content.decode())
    Segment.objects.bulk_create(
        Segment(store=store, name=f"Group {n:02}", rule={"any": []}) for n in range(MOST + 5)
    )
    mine = Segment.objects.get(name="Group 07")
    page = press(web, "check", **form, **{"r-0:value": str(mine.pk)})
    assert "<span>Group 07</span>" in page.content.decode()
    assert "Group 08" not in page.content.decode()
    assert rule_of(page, store)["all"][0]["value"] == mine.pk


@pytest.mark.parametrize(
    ("condition", "comparison", "what"),
    [
        ("products.favorite", "is", "category"),
        ("products.favorite", "is_any_of", "category"),
        ("products.favorite", "contains", ""),
        ("orders.first_channel", "is_none_of", "channel"),
        ("orders.campaigns", "has_all_of", "campaign"),
        ("orders.coupons", "has", "coupon"),
        ("profile.tags", "has_none_of", "tag"),
        ("profile.country", "is_any_of", "country"),
        ("profile.city", "is_any_of", ""),
    ],
)
def test_which_fields_search_and_in_what(web, store, condition, comparison, what):
    text = press(web, "check", **{"r-0:if": condition, "r-0:is": comparison}).content.decode()
    assert re.findall(r"choices/\?of=([\w.]+)", text) == ([what] if what else [])


def test_details_of_purchases_search_too(web, store):
    form = {"r-0:if": "orders.count", "r-0:is": "at_least", "r-0:value": "1"}
    form |= {"r-0:where.0.field": "coupon", "r-0:where.0.is": "is_any_of"}
    page = press(web, "check", **form, **{"r-0:where.0.value": ["TEA10", "MUG5"]})
    assert "choices/?of=coupon&amp;field=r-0%3Afind.where.0.value" in page.content.decode()
    assert rule_of(page, store)["all"][0]["where"][0]["value"] == ["TEA10", "MUG5"]
