from django.db import migrations

# Django's cache table. Unlogged: what it holds may be lost, and half of its writes are the worker's beat.
CREATE = """
CREATE UNLOGGED TABLE IF NOT EXISTS machine_cache (
    cache_key varchar(255) PRIMARY KEY,
    value text NOT NULL,
    expires timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS machine_cache_expires ON machine_cache (expires);
"""


class Migration(migrations.Migration):
    dependencies: list[tuple[str, str]] = []
    operations = [migrations.RunSQL(CREATE, "DROP TABLE machine_cache")]
