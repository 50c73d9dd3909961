from django.db import migrations, models
from django.db.models.deletion import CASCADE

MODELS = ("bought", "tally")


class Migration(migrations.Migration):
    dependencies = [("segments", "0002_happened"), ("stores", "0002_people")]

    operations = [
        migrations.AlterField(
            model,
            "store",
            models.ForeignKey("stores.store", CASCADE, related_name="+", db_index=False, db_constraint=False),
        )
        for model in MODELS
    ]
