from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("customers", "0007_search")]

    operations = [
        migrations.AddField(
            model_name="preference",
            name="own",
            field=models.JSONField(blank=True, null=True),
        ),
    ]
