"""The real sample that comes along."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

from retention.dashboard.demo import files

HERE = Path(files.__file__).parent
SAMPLE = HERE / "cdnow_sample.txt.gz"


def test_the_packed_sample_is_the_one_in_the_test_data() -> None:
    plain = Path(__file__).parent.parent / "data" / "CDNOW_sample.txt"
    assert gzip.decompress(SAMPLE.read_bytes()) == plain.read_bytes()


def test_the_sample_has_2357_customers(tmp_path: Path) -> None:
    with files.write_cdnow(SAMPLE, tmp_path / "cdnow.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 6_919
    assert len({row["customer"] for row in rows}) == 2_357
    assert rows[0] == {"order": "1", "customer": "0001", "date": "1997-01-01", "cds": "2", "amount": "29.33"}
