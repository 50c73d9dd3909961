from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("segments", "0004_reminded")]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="taken_by",
            field=models.BigIntegerField(blank=True, null=True),
        ),
    ]
