"""A small official release, in the files' own formats."""

from pathlib import Path

import pytest

ORDER = [
    ("I21", "0", "Acute myocardial infarction", "Acute myocardial infarction"),
    ("I219", "1", "Acute myocardial infarction, unspecified", "Acute myocardial infarction, unspecified"),
    (
        "W01",
        "0",
        "Fall on same level from slipping",
        "Fall on same level from slipping, tripping and stumbling",
    ),
    ("W010", "0", "Fall without striking against object", "Fall without subsequent striking against object"),
    (
        "W010XXA",
        "1",
        "Fall w/o strk, init",
        "Fall without subsequent striking against object, initial encounter",
    ),
]

TABULAR = """<?xml version="1.0" encoding="utf-8"?>
<ICD10CM.tabular>
  <version>2027</version>
  <chapter><name>9</name><desc>Circulatory</desc>
    <section id="I20-I25"><desc>Ischemic</desc>
      <diag><name>I21</name><desc>Acute myocardial infarction</desc>
        <includes><note>cardiac  infarction</note><note>coronary (artery) embolism</note></includes>
        <excludes2><note>old myocardial infarction (I25.2)</note></excludes2>
        <diag><name>I21.9</name><desc>Acute myocardial infarction, unspecified</desc>
          <inclusionTerm><note>Myocardial infarction (acute) NOS</note></inclusionTerm>
        </diag>
      </diag>
    </section>
  </chapter>
  <chapter><name>20</name><desc>External causes</desc>
    <section id="W00-W19"><desc>Falls</desc>
      <diag><name>W01</name><desc>Fall on same level</desc>
        <sevenChrDef><extension char="A">initial encounter</extension></sevenChrDef>
        <diag><name>W01.0</name><desc>Fall without striking</desc></diag>
      </diag>
    </section>
  </chapter>
</ICD10CM.tabular>
"""

INDEX = """<?xml version="1.0" encoding="utf-8"?>
<ICD10CM.index>
  <letter><title>F</title>
    <mainTerm><title>Fall, falling <nemod>(accidental)</nemod></title>
      <term level="1"><title>same level</title><code>W01.-</code>
        <term level="2"><title>from <nemod>(sudden)</nemod> slipping</title><code>W01.0</code></term>
        <term level="2"><title>into water</title><code>W99.9</code></term>
      </term>
    </mainTerm>
  </letter>
  <letter><title>I</title>
    <mainTerm><title>Infarct, infarction</title>
      <see>Stroke</see>
      <term level="1"><title>heart</title><code>I21.9</code></term>
    </mainTerm>
  </letter>
</ICD10CM.index>
"""


def order_line(number: int, code: str, flag: str, short: str, title: str) -> str:
    """Return a line of an order file."""
    return f"{number:05d} {code:<7} {flag} {short:<60} {title}"


@pytest.fixture
def cms_folder(tmp_path: Path) -> Path:
    """Return a folder with order file, addenda, tabular list and index."""
    lines = [order_line(number, *fields) for number, fields in enumerate(ORDER, start=1)]
    (tmp_path / "icd10cm_order_2027.txt").write_text("\r\n".join([*lines, ""]), encoding="utf-8")
    (tmp_path / "icd10cm_order_addenda_2027.txt").write_text("Add: ...", encoding="utf-8")
    (tmp_path / "icd10cm_tabular_2027.xml").write_text(TABULAR, encoding="utf-8")
    (tmp_path / "icd10cm_index_2027.xml").write_text(INDEX, encoding="utf-8")
    return tmp_path
