"""An invoice as a PDF: the same paper gives the same bytes, on every day and in every process."""

from __future__ import annotations

from functools import lru_cache
from hashlib import md5
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING, Any

from billdesk.core.paper.fonts import REGULAR
from billdesk.core.paper.layout import HEIGHT, WIDTH, Item, Shape, Text, laid_out
from billdesk.core.paper.wording import InvoicePaper
from billdesk.core.values.errors import BadInput

if TYPE_CHECKING:
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

_NO_DAY = "D:20000101000000Z"
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
MOST_PIXELS = 16_000_000

_DRAWING = Lock()
"""reportlab reads the fonts' files from where it stopped last: one drawing at a time."""


def draw(paper: InvoicePaper) -> bytes:
    """The PDF of an invoice. Raises BadInput for a logo that is no picture."""
    from reportlab.pdfgen.canvas import Canvas  # noqa: PLC0415 - few commands draw

    with _DRAWING:
        logo = None if paper.logo is None else read_logo(paper.logo)
        pages = laid_out(paper, None if logo is None else logo.getSize())
        buffer = BytesIO()
        canvas = Canvas(
            buffer, pagesize=(WIDTH, HEIGHT), invariant=1, pageCompression=1,
            initialFontName=REGULAR,
        )  # fmt: skip
        # reportlab takes both from SOURCE_DATE_EPOCH where that is set: the same bytes everywhere.
        canvas.setDateFormatter(lambda *_: _NO_DAY)
        canvas._doc.signature = md5(paper.key.encode(), usedforsecurity=False)  # noqa: SLF001
        canvas.setTitle(f"{paper.heading} {paper.number}".strip())
        canvas.setAuthor(paper.seller[0] if paper.seller else "")
        canvas.setCreator("billdesk")
        for items in pages:
            _draw_page(canvas, items, logo)
            canvas.showPage()
        canvas.save()
    return buffer.getvalue()


def _draw_page(canvas: Canvas, items: tuple[Item, ...], logo: ImageReader | None) -> None:
    """Shapes and the logo, then all text at once."""
    text = canvas.beginText()
    last: tuple[Any, ...] = (None, None, None)
    for item in items:
        if isinstance(item, Text):
            x, y, font, size, colour, signs = item
            if (font, size) != last[:2]:
                text.setFont(font, size)
            if colour != last[2]:
                text.setFillColorRGB(*colour)
            last = (font, size, colour)
            text.setTextOrigin(x, y)
            text.textOut(signs)
        elif isinstance(item, Shape):
            _draw_shape(canvas, item)
        else:
            canvas.drawImage(logo, *item, mask="auto")
    canvas.drawText(text)


def _draw_shape(canvas: Canvas, shape: Shape) -> None:
    x, y, width, height, fill, frame = shape
    if fill is not None:
        canvas.setFillColorRGB(*fill)
    if frame is not None:
        canvas.setStrokeColorRGB(*frame)
    if height:
        canvas.setLineWidth(1.2)
        canvas.rect(x, y, width, height, stroke=int(frame is not None), fill=int(fill is not None))
    else:
        canvas.setLineWidth(0.5)
        canvas.line(x, y, x + width, y)


@lru_cache(maxsize=4)
def read_logo(data: bytes) -> ImageReader:
    """A logo, read once. Raises BadInput."""
    from reportlab.lib.utils import ImageReader  # noqa: PLC0415

    if not data.startswith(_PICTURES):
        raise BadInput(
            "the company's logo is no PNG or JPEG picture", "give another in the catalog"
        )
    try:
        logo = ImageReader(BytesIO(data))
        width, height = logo.getSize()
        if width * height <= MOST_PIXELS:
            logo.getRGBData()  # what is broken inside is found now
    except (OSError, SyntaxError, ValueError) as error:
        raise BadInput(
            "the company's logo cannot be read", "give another in the catalog"
        ) from error
    if width * height > MOST_PIXELS:
        raise BadInput(
            f"the company's logo has {width} x {height} pixels", "make it smaller, as for print"
        )
    return logo
