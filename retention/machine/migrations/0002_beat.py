from django.db import migrations

# One row: when the worker was last heard of. Not in the cache, where strangers' requests could push it out.
CREATE = """
CREATE UNLOGGED TABLE IF NOT EXISTS machine_beat (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    at timestamptz NOT NULL
);
DELETE FROM machine_cache WHERE cache_key LIKE '%machine:beat';
"""


class Migration(migrations.Migration):
    dependencies = [("machine", "0001_cache_table")]
    operations = [migrations.RunSQL(CREATE, "DROP TABLE machine_beat")]
