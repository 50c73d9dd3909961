from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("timeline", "0001_initial")]

    operations = [
        migrations.RunSQL(
            """
            CREATE FUNCTION timeline_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION 'the timeline is append-only: record a new event instead';
            END $$;
            CREATE TRIGGER timeline_event_append_only BEFORE UPDATE OR DELETE ON timeline_event
            FOR EACH ROW EXECUTE FUNCTION timeline_append_only();
            """,
            "DROP TRIGGER timeline_event_append_only ON timeline_event; DROP FUNCTION timeline_append_only();",
        )
    ]
