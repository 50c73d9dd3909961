from django.db import migrations

# The beginning of an order's number, as people type it: with or without "#".
FORWARD = """
CREATE INDEX orders_order_number ON orders_order (store_id, (ltrim(lower(number), '#')) COLLATE "C")
    WHERE number <> '';
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0003_lines_without_checks")]

    operations = [migrations.RunSQL(FORWARD, "DROP INDEX orders_order_number;")]
