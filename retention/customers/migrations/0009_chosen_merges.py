from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("customers", "0008_preferences_of_merged")]

    operations = [
        migrations.AddField(
            model_name="merge",
            name="chosen",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
