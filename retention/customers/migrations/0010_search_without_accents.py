from django.db import migrations

# "chloe" finds Chloé, and "muller" Müller: names are compared without their marks, in small letters. The
# extension `unaccent` is not on every server and cannot stand in an index; NFD takes letters apart everywhere.
# Letters that are no letter with a mark are listed. The same in Python: retention/dashboard/customers/search.py.
# Plain ASCII, most names, takes the short way. The old indexes go last: people are read until then.
FORWARD = r"""
CREATE FUNCTION customers_plain(told text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN octet_length(told) = char_length(told) THEN lower(told) ELSE lower(replace(replace(replace(
        replace(replace(translate(regexp_replace(normalize(told, NFD), '[\u0300-\u036f]', '', 'g'),
        'øØłŁđĐðÐħĦı', 'oOlLdDdDhHi'), 'ß', 'ss'), 'æ', 'ae'), 'Æ', 'AE'), 'œ', 'oe'), 'Œ', 'OE')) END
$$;
CREATE INDEX customers_plain_name ON customers_customer
    (store_id, (customers_plain(first_name || ' ' || last_name)) COLLATE "C", id) WHERE merged_into_id IS NULL;
CREATE INDEX customers_plain_last_name ON customers_customer
    (store_id, (customers_plain(last_name || ' ' || first_name)) COLLATE "C")
    WHERE merged_into_id IS NULL AND last_name <> '';
CREATE INDEX customers_plain_company ON customers_customer
    (store_id, (customers_plain(company)) COLLATE "C") WHERE merged_into_id IS NULL AND company <> '';
DROP INDEX customers_search_name, customers_search_last_name, customers_search_company;
ALTER INDEX customers_plain_name RENAME TO customers_search_name;
ALTER INDEX customers_plain_last_name RENAME TO customers_search_last_name;
ALTER INDEX customers_plain_company RENAME TO customers_search_company;
"""
BACKWARD = """
DROP INDEX customers_search_name, customers_search_last_name, customers_search_company;
DROP FUNCTION customers_plain(text);
CREATE INDEX customers_search_name ON customers_customer
    (store_id, (lower(first_name || ' ' || last_name)) COLLATE "C", id) WHERE merged_into_id IS NULL;
CREATE INDEX customers_search_last_name ON customers_customer
    (store_id, (lower(last_name || ' ' || first_name)) COLLATE "C")
    WHERE merged_into_id IS NULL AND last_name <> '';
CREATE INDEX customers_search_company ON customers_customer
    (store_id, (lower(company)) COLLATE "C") WHERE merged_into_id IS NULL AND company <> '';
"""


class Migration(migrations.Migration):
    dependencies = [("customers", "0009_chosen_merges")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
