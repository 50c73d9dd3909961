from django.db import migrations, models
from django.db.models.deletion import CASCADE

MODELS = (
    "cohortmonth",
    "cohortvalue",
    "customerfact",
    "daily",
    "gap",
    "guest",
    "purchase",
    "refundfact",
    "secondgap",
)


class Migration(migrations.Migration):
    dependencies = [("metrics", "0003_people_in_order"), ("stores", "0002_people")]

    operations = [
        migrations.AlterField(
            model,
            "store",
            models.ForeignKey("stores.store", CASCADE, related_name="+", db_index=False, db_constraint=False),
        )
        for model in MODELS
    ]
