from django.db import migrations, models

# A function, because a plan with this query inside, once per condition, takes longer to start than to run.
HAPPENED = """
CREATE FUNCTION segments_happened(
    in_store bigint, person bigint, what text, low timestamptz, high timestamptz
) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM timeline_event e WHERE e.store_id = in_store AND e.kind = what
            AND e.occurred_at >= low AND e.occurred_at < high
            AND e.customer_id IN (SELECT person UNION ALL
                SELECT m.id FROM customers_customer m WHERE m.merged_into_id = person)
    );
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("segments", "0001_initial"), ("customers", "0001_initial"), ("timeline", "0001_initial")]

    operations = [
        migrations.RunSQL(
            HAPPENED,
            "DROP FUNCTION segments_happened(bigint, bigint, text, timestamptz, timestamptz)",
        ),
        migrations.AddIndex(
            model_name="turn",
            index=models.Index(fields=["customer_id"], name="segments_turn_person"),
        ),
    ]
