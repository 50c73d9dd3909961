"""Space in the pages of figures, so that a changed row stays on its page and its index entries hold."""

from django.db import migrations

TABLES = {
    "metrics_daily": 60,
    "metrics_cohortmonth": 60,
    "metrics_secondgap": 60,
    "metrics_gap": 60,
    "metrics_cohortvalue": 60,
    "metrics_customerfact": 80,
    "metrics_purchase": 85,
}


class Migration(migrations.Migration):
    dependencies = [("metrics", "0001_initial")]

    operations = [
        migrations.RunSQL(
            f"ALTER TABLE {table} SET (fillfactor = {percent})", f"ALTER TABLE {table} RESET (fillfactor)"
        )
        for table, percent in TABLES.items()
    ]
