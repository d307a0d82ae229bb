from __future__ import annotations

import os
import subprocess
import sys
import zlib
from hashlib import sha256
from pathlib import Path
from threading import Thread
from zoneinfo import ZoneInfo

import pytest

from billdesk.core.paper.drawing import MOST_PIXELS, draw
from billdesk.core.paper.fonts import REGULAR, WIDE, width_of
from billdesk.core.paper.layout import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Picture,
    Shape,
    Text,
    laid_out,
)  # fmt: skip
from billdesk.core.paper.wording import InvoicePaper, invoice_paper
from billdesk.core.rules.sheets import InvoiceDetailSheet
from billdesk.core.values.errors import BadInput
from tests.core.paper.pdf_text import pages_of
from tests.core.paper.specimens import (
    hostile,
    japanese,
    logo,
    long,
    scripts,
    small,
)  # fmt: skip

ROOT = Path(__file__).parents[3]
ZONE = ZoneInfo("UTC")
EVERY = [small, japanese, scripts, hostile, lambda: long(95)]
_HASHES = """
from hashlib import sha256
from zoneinfo import ZoneInfo
from billdesk.core.paper.drawing import draw
from billdesk.core.paper.wording import invoice_paper
from tests.core.paper.specimens import *
for sheet in (scripts(), small(), long(95)):
    print(sha256(draw(invoice_paper(sheet, ZoneInfo("UTC"), logo()))).hexdigest())
"""


def paper(sheet: InvoiceDetailSheet, picture: bytes | None = None) -> InvoicePaper:
    return invoice_paper(sheet, ZONE, picture)


def sha256_of(sheet: InvoiceDetailSheet) -> str:
    return sha256(draw(paper(sheet, logo()))).hexdigest()


def texts(page: tuple[object, ...]) -> list[Text]:
    return [item for item in page if isinstance(item, Text)]


def test_the_same_invoice_gives_the_same_bytes_in_every_process_and_zone() -> None:
    here = [sha256_of(small()), sha256_of(scripts()), sha256_of(long(95))]
    for seed, zone in (("1", "Asia/Tokyo"), ("77", "America/New_York")):
        there = subprocess.run(
            [sys.executable, "-c", _HASHES], cwd=ROOT, check=True, capture_output=True, text=True,
            env=os.environ | {"PYTHONHASHSEED": seed, "TZ": zone, "SOURCE_DATE_EPOCH": seed},
        )  # fmt: skip
        first, second, third = there.stdout.split()
        assert [second, first, third] == here


def test_threads_that_draw_at_once_draw_the_same() -> None:
    sheets = [small(), scripts(), japanese()]
    alone = [sha256_of(sheet) for sheet in sheets]
    together: dict[int, str] = {}

    def work(number: int) -> None:
        together[number] = sha256_of(sheets[number % 3])

    threads = [Thread(target=work, args=(number,)) for number in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[number] for number in range(9)] == alone * 3


@pytest.mark.parametrize("sheet", [small(), japanese(), hostile()], ids=["small", "yen", "hostile"])
def test_every_amount_and_name_can_be_read_off_the_pdf(sheet: InvoiceDetailSheet) -> None:
    drawn = paper(sheet)
    text = " ".join(pages_of(draw(drawn)))
    for amount in (*(each.amount for each in drawn.lines), *(each.amount for each in drawn.totals)):
        assert amount in text
    for label in (*(each.label for each in drawn.totals), *(fact for fact, _ in drawn.facts)):
        assert label in text
    assert "INV-000042" in text
    for seal in drawn.seals:
        assert seal in text


def test_names_of_other_scripts_can_be_read_off_the_pdf() -> None:
    text = " ".join(pages_of(draw(paper(scripts()))))
    for name in (
        "Zażółć gęślą jaźń",
        "Ελληνικά",
        "Українська",
        "ქართული",
        "Tiếng Việt",
        "株式会社サンプル",
    ):
        assert name in text
    assert "□" in text  # where no font has the sign


def test_a_long_table_goes_on_under_its_heading_and_every_page_is_counted() -> None:
    pages = pages_of(draw(paper(long(95))))
    assert len(pages) == 3
    for number, page in enumerate(pages, 1):
        assert f"Page {number} of 3" in page
        assert "Description Quantity Unit price" in page
    found = [f"Lead {place:05d}" for place in range(1, 96)]
    assert [name for page in pages for name in found if name in page] == found


def test_two_thousand_lines_are_all_there() -> None:
    pages = pages_of(draw(paper(long(2000))))
    assert f"Page {len(pages)} of {len(pages)}" in pages[-1]
    assert sum(page.count("from the campaign") for page in pages) == 2000
    assert "22,010.00 USD" in pages[-1]  # 2,000 dollars, and a cent more for each


@pytest.mark.parametrize("make", EVERY)
def test_nothing_stands_outside_the_page_or_in_its_foot(make: object) -> None:
    assert callable(make)
    for page in laid_out(paper(make())):
        *body, rule, _, _ = page
        assert isinstance(rule, Shape)
        for item in texts(tuple(body)):
            weight = item.font if item.font != WIDE else REGULAR
            end = item.x + width_of(item.text, weight) * item.size / 1000
            assert item.x >= LEFT - 0.1
            assert end <= RIGHT + 0.1, item
            assert BOTTOM - 1 <= item.y <= TOP


def test_totals_are_never_parted_from_one_another() -> None:
    for count in range(28, 45):
        pages = pages_of(draw(paper(long(count))))
        [page] = [page for page in pages if "Subtotal" in page]
        assert "Total" in page.replace("Subtotal", "")
        assert "Due" in page


def test_more_taxes_than_a_page_has_room_for_go_on_on_the_next() -> None:
    [tax] = small().taxes
    taxes = tuple(tax._replace(name=f"Levy {number:02d}") for number in range(70))
    pages = pages_of(draw(paper(small()._replace(taxes=taxes))))
    found = [f"Levy {number:02d}" for number in range(70)]
    assert [name for page in pages for name in found if name in page] == found


def test_a_table_that_ends_with_its_page_heads_no_empty_one() -> None:
    for count in range(28, 45):
        for page in laid_out(paper(long(count))):
            words = [item.text for item in texts(page)]
            assert ("Description" in words) == any(word.startswith("Lead") for word in words)


def test_the_foot_keeps_its_place_however_long_the_name() -> None:
    sheet = small()._replace(seller=("Q" * 200,))
    [page] = laid_out(paper(sheet))
    left, right = texts(page)[-2:]
    assert right.text == "Page 1 of 1"
    assert left.text.startswith("Invoice INV-000042")
    assert left.x + width_of(left.text, REGULAR) * left.size / 1000 < right.x


def test_one_without_a_seller_is_drawn() -> None:
    [page] = pages_of(draw(paper(small()._replace(seller=()))))
    assert "INVOICE" in page


# --- the logo ---


def test_a_logo_is_drawn_in_its_own_proportions_and_the_name_below_it() -> None:
    drawn = paper(small(), logo(400, 100))
    [page] = laid_out(drawn, (400, 100))
    [picture] = [item for item in page if isinstance(item, Picture)]
    assert picture.width / picture.height == pytest.approx(4)
    name = next(item for item in texts(page) if item.text == "Northwind Labs GmbH")
    assert name.y < picture.y
    assert b"/Subtype /Image" in draw(drawn)


def test_a_tall_logo_takes_no_more_height_than_a_wide_one() -> None:
    [page] = laid_out(paper(small()), (10, 4000))
    [picture] = [item for item in page if isinstance(item, Picture)]
    assert picture.height < 60


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (b"%!PS-Adobe-3.0 EPSF", "no PNG or JPEG"),
        (b"GIF89a", "no PNG or JPEG"),
        (logo()[:60], "cannot be read"),
        (b"\xff\xd8\xff\xe0 not a JPEG at all", "cannot be read"),
        (logo().replace(b"IDAT", b"IDAX"), "cannot be read"),
    ],
)
def test_what_is_no_whole_picture_is_refused(picture: bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        draw(paper(small(), picture))


def test_a_picture_of_very_many_pixels_is_refused_before_it_is_unpacked() -> None:
    side = int(MOST_PIXELS**0.5) + 1
    head = logo(1, 1)
    at = head.index(b"IHDR") + 4
    size = side.to_bytes(4, "big") * 2
    data = head[at + 8 : at + 13]
    chunk = b"IHDR" + size + data
    huge = head[:at] + size + data + zlib.crc32(chunk).to_bytes(4, "big") + head[at + 17 :]
    with pytest.raises(BadInput, match="pixels"):
        draw(paper(small(), huge))


def test_wording_needs_no_reportlab() -> None:
    drawing = "billdesk.core.operations.invoices.drawing"
    code = f"import sys, {drawing}; sys.exit('reportlab' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_fonts_come_with_their_licences() -> None:
    folder = ROOT / "src" / "billdesk" / "core" / "paper" / "fonts"
    assert {path.suffix for path in folder.iterdir()} == {".ttf", ".txt", ".md"}
    assert "Bitstream Vera" in (folder / "LICENSE-DejaVu.txt").read_text(encoding="utf-8")
    assert "Apache License" in (folder / "LICENSE-WenQuanYi.txt").read_text(encoding="utf-8")
    assert sum(path.stat().st_size for path in folder.iterdir()) < 6_000_000
