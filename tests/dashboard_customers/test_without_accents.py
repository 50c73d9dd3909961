"""Names are found without the marks on their letters, by an index."""

from __future__ import annotations

import pytest
from django.db import connection

from retention.dashboard.customers import search
from tests.dashboard_customers.test_listed import found
from tests.world import a_customer

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        (("Chloé", "Bauer"), ["chloe bau", "Chloé B", "CHLOE", "bauer chl", "chloe\u0301"]),
        (("Chloe\u0301", "Bauer"), ["chloe bau", "Chloé B"]),
        (("Jürgen", "Müller"), ["Muller", "müller", "jurgen mu", "MÜLL"]),
        (("Łukasz", "Ørsted"), ["lukasz", "Łuk", "orsted", "ØRS"]),
        (("Zoë", "Weiß"), ["weiss", "weiß", "zoe we"]),
        (("Ævar", "Þór"), ["aevar", "ÆVAR", "Þor"]),
        (("Иван", "Ёлкин"), ["Иван", "иван", "Елкин"]),
        (("İpek", "Yıldız"), ["ipek", "yildiz"]),
    ],
)
def test_marks_on_letters_need_not_be_typed_and_may_be(store, name, typed):
    a_customer(store, first_name=name[0], last_name=name[1], company=f"{name[1]} AG")
    a_customer(store, first_name="Somebody", last_name="Else")
    for words in typed:
        assert found(store, q=words) == [name[0]], words


def test_marks_do_not_decide_the_place_in_the_list(store):
    for first in ("Zoe", "Émile", "Emma", "Ångström"):
        a_customer(store, first_name=first)
    assert found(store, sort="name") == ["Ångström", "Émile", "Emma", "Zoe"]


def test_finding_by_a_name_is_one_index_look_up(store):
    wanted = "SELECT u.id FROM customers_customer u WHERE u.store_id = %s AND u.merged_into_id IS NULL AND"
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        for column, index in (
            (search.NAME, "name"),
            (search.LAST_NAME, "last_name"),
            (search.COMPANY, "company"),
        ):
            filled = {"company": "u.company <> '' AND", "last_name": "u.last_name <> '' AND"}.get(index, "")
            cursor.execute(f"EXPLAIN {wanted} {filled} {column} LIKE 'chloe%%' ORDER BY {column}", [store.pk])
            plan = " ".join(row[0] for row in cursor.fetchall())
            assert f"customers_search_{index} " in plan
            assert "Index Cond: ((store_id" in plan
            assert ">= 'chloe'" in plan
            assert "Sort" not in plan
