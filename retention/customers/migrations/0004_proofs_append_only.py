from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("customers", "0003_consent")]

    operations = [
        migrations.RunSQL(
            """
            CREATE FUNCTION customers_proof_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP = 'UPDATE' AND NEW.ip IS NULL AND NEW.detail = '{}'::jsonb THEN
                    -- Erasing a person blanks these two, and nothing else.
                    OLD.ip := NULL;
                    OLD.detail := '{}'::jsonb;
                    IF NEW = OLD THEN
                        RETURN NEW;
                    END IF;
                END IF;
                RAISE EXCEPTION 'proofs of consent are append-only: record a new one instead';
            END $$;
            CREATE TRIGGER customers_proof_append_only BEFORE UPDATE OR DELETE ON customers_proof
            FOR EACH ROW EXECUTE FUNCTION customers_proof_append_only();
            """,
            "DROP TRIGGER customers_proof_append_only ON customers_proof;"
            " DROP FUNCTION customers_proof_append_only();",
        )
    ]
