import io
import zipfile

import pytest
from openpyxl import Workbook
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

from jingwei.core.errors import InputError
from jingwei.platform.sheet_file import rows

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
SHEET = "xl/worksheets/sheet1.xml"


def saved(book: Workbook, **changed: str) -> io.BytesIO:
    """Save a workbook; `changed` parts are given another content."""
    plain, out = io.BytesIO(), io.BytesIO()
    book.save(plain)
    with zipfile.ZipFile(plain) as packed, zipfile.ZipFile(out, "w") as written:
        for part in packed.infolist():
            kind = next((kind for kind in changed if kind in part.filename), None)
            written.writestr(part.filename, changed[kind] if kind else packed.read(part))
    return out


def read(file: io.BytesIO) -> list[list[str]]:
    with zipfile.ZipFile(file) as packed:
        return [list(row) for row in rows(packed)]


def test_cells_stand_where_they_are_written_and_rows_keep_their_numbers():
    book = Workbook()
    book.active["B3"] = "topic"
    book.active["A3"] = 12.5
    book.active["A5"] = True
    book.active["AB5"] = "far to the right"
    assert read(saved(book)) == [[], [], ["12.5", "topic"], [], ["TRUE"]]


def test_a_text_in_several_styles_is_one_text():
    book = Workbook()
    book.active["A1"] = CellRichText("代号", TextBlock(InlineFont(b=True), "北极"), "星")
    assert read(saved(book)) == [["代号北极星"]]


def test_only_the_first_sheet_is_read():
    book = Workbook()
    book.active["A1"] = "first"
    book.create_sheet()["A1"] = "second"
    assert read(saved(book)) == [["first"]]


def test_shared_texts_are_read_without_what_says_how_characters_are_read():
    kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    parts = {
        "_rels/.rels": f"<R><Relationship Id='a' Type='{kinds}/officeDocument' Target='/book/b.xml'/></R>",
        "book/b.xml": "<w:workbook xmlns:w='w' xmlns:r='r'><w:sheets><w:sheet name='1' r:id='s'/></w:sheets></w:workbook>",
        "book/_rels/b.xml.rels": f"<R><Relationship Id='s' Type='{kinds}/worksheet' Target='one.xml'/>"
        f"<Relationship Id='t' Type='{kinds}/sharedStrings' Target='../texts.xml'/></R>",
        "book/one.xml": "<x:s xmlns:x='x'><x:row><x:c t='s'><x:v>1</x:v></x:c></x:row></x:s>",
        "texts.xml": f"<sst {MAIN}><si><t>other</t></si><si><t>東京</t><rPh sb='0' eb='2'><t>トウ</t></rPh></si></sst>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    assert read(out) == [["東京"]]


@pytest.mark.parametrize("sheet", [
    "<worksheet", f"<worksheet {MAIN}><sheetData><row r='9999999'/></sheetData></worksheet>",
    f"<worksheet {MAIN}><sheetData><row r='1'><c r='A1' t='s'><v>7</v></c></row></sheetData></worksheet>",
    f"<worksheet {MAIN}><sheetData><row r='one'/></sheetData></worksheet>",
    "<!--" + "x" * 9_000 + "--><!DOCTYPE w [<!ENTITY a 'b'>]><worksheet/>",
])  # fmt: skip
def test_a_damaged_sheet_or_a_late_definition_is_refused(sheet):
    book = Workbook()
    book.active["A1"] = "x"
    with pytest.raises(InputError, match="workbook"):
        read(saved(book, sheet1=sheet))


def test_a_file_without_a_sheet_is_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("mimetype", "x")
    with pytest.raises(InputError, match="workbook"):
        read(out)


def test_many_rows_come_in_order_though_they_are_read_a_stretch_at_a_time():
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for number in range(6_000):
        sheet.append([f"word {number}", "t"])
    assert read(saved(book)) == [[f"word {number}", "t"] for number in range(6_000)]
