from django.db import migrations

# Searching while typing: beginnings of names, addresses and numbers, each by an index whose byte order serves
# LIKE 'x%' and ORDER BY alike, so that the first hits cost the same in a shop of any size. Trigrams would find
# the middle of words too, but the extension is not everywhere. The expressions are those of
# retention/dashboard/customers/search.py.
FORWARD = r"""
CREATE INDEX customers_search_name ON customers_customer
    (store_id, (lower(first_name || ' ' || last_name)) COLLATE "C", id) WHERE merged_into_id IS NULL;
CREATE INDEX customers_search_last_name ON customers_customer
    (store_id, (lower(last_name || ' ' || first_name)) COLLATE "C")
    WHERE merged_into_id IS NULL AND last_name <> '';
CREATE INDEX customers_search_email ON customers_customer
    (store_id, (lower(email)) COLLATE "C") WHERE merged_into_id IS NULL AND email <> '';
CREATE INDEX customers_search_company ON customers_customer
    (store_id, (lower(company)) COLLATE "C") WHERE merged_into_id IS NULL AND company <> '';
CREATE INDEX customers_search_phone ON customers_customer
    (store_id, (regexp_replace(phone, '\D', '', 'g')) COLLATE "C")
    WHERE merged_into_id IS NULL AND phone <> '';
CREATE INDEX customers_country ON customers_customer (store_id, country, id)
    WHERE merged_into_id IS NULL AND country <> '';
CREATE INDEX customers_tags ON customers_customer USING gin (tags jsonb_path_ops) WHERE tags <> '[]';
"""
BACKWARD = """
DROP INDEX customers_search_name, customers_search_last_name, customers_search_email,
    customers_search_company, customers_search_phone, customers_country, customers_tags;
"""


class Migration(migrations.Migration):
    dependencies = [("customers", "0006_notes_and_tags")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
