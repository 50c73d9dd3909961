from django.db import migrations, models

# Rules compare these in small letters. Unless told how the values are spread, the planner takes any comparison
# for a rare one, and looks the rest up person by person.
WORDS = ("channel", "campaign", "country", "category")
FORWARD = "".join(
    f"CREATE STATISTICS metrics_customer_{word} ON lower({word}) FROM metrics_customerfact;" for word in WORDS
)
FORWARD += "ANALYZE metrics_customerfact;"
BACKWARD = "".join(f"DROP STATISTICS metrics_customer_{word};" for word in WORDS)


class Migration(migrations.Migration):
    dependencies = [("metrics", "0005_second_purchases")]

    operations = [
        migrations.RemoveIndex("customerfact", "metrics_customer_last"),
        migrations.AddIndex(
            "customerfact",
            models.Index(
                fields=["store", "last_day", "customer_id"],
                include=("purchases", "first_day", "net", "channel", "country"),
                name="metrics_customer_last",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
