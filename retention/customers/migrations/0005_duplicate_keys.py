from django.db import migrations

# Indexes on functions: a proposal must not read a million people to find two.
FORWARD = r"""
CREATE FUNCTION customers_email_key(email text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN lower(split_part(email, '@', 2)) IN ('gmail.com', 'googlemail.com')
        THEN replace(split_part(lower(split_part(email, '@', 1)), '+', 1), '.', '') || '@gmail.com'
        ELSE split_part(lower(split_part(email, '@', 1)), '+', 1) || '@' || lower(split_part(email, '@', 2)) END
$$;
CREATE FUNCTION customers_phone_key(phone text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN length(regexp_replace(phone, '\D', '', 'g')) >= 8
        THEN right(regexp_replace(phone, '\D', '', 'g'), 9) ELSE '' END
$$;
CREATE FUNCTION customers_place_key(first text, last text, address text, code text, city text)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN first <> '' AND last <> '' AND address <> '' AND (code <> '' OR city <> '')
        THEN regexp_replace(lower(first || last || address || CASE WHEN code <> '' THEN code ELSE city END),
            '[^[:alnum:]]', '', 'g') ELSE '' END
$$;
CREATE INDEX customers_duplicate_email ON customers_customer (store_id, customers_email_key(email))
    WHERE email <> '' AND merged_into_id IS NULL AND erased_at IS NULL;
CREATE INDEX customers_duplicate_phone ON customers_customer (store_id, customers_phone_key(phone))
    WHERE phone <> '' AND merged_into_id IS NULL AND erased_at IS NULL;
CREATE INDEX customers_duplicate_place ON customers_customer
    (store_id, customers_place_key(first_name, last_name, address1, postal_code, city))
    WHERE address1 <> '' AND merged_into_id IS NULL AND erased_at IS NULL;
"""
BACKWARD = """
DROP INDEX customers_duplicate_email, customers_duplicate_phone, customers_duplicate_place;
DROP FUNCTION customers_email_key, customers_phone_key, customers_place_key;
"""


class Migration(migrations.Migration):
    dependencies = [("customers", "0004_proofs_append_only")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
