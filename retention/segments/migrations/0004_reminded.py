from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("segments", "0003_store_unchecked")]

    operations = [
        migrations.AddField(
            model_name="segment",
            name="reminded_for",
            field=models.DateField(blank=True, null=True),
        ),
    ]
