"""Who is in the demo: some fifty invented businesses that buy leads, calls and messages.

Some of them carry the names that break careless programs, on purpose.
"""

# ruff: noqa: RUF001 - names are written in the letters of the whole world

from __future__ import annotations

from typing import NamedTuple


class Member(NamedTuple):
    """One invented customer.

    `pace` says how many charges a usual day brings (0: none but in the scenes), `top_up` how many
    whole units of its asset it pays in when it runs low.
    """

    ref: str
    name: str
    city: str
    job: str
    asset: str = "USD"
    pace: int = 2
    top_up: int = 900
    email: str | None = None

    @property
    def address(self) -> str | None:
        """Where notices would go; nobody lives at .example."""
        return f"office@{self.ref}.example" if self.email is None else self.email or None


LONG_NAME = (
    "Consolidated Trans-Continental Roofing, Guttering, Chimney Sweeping, Window Cleaning & "
    "General Household Improvement Services of Greater Llanfairpwllgwyngyllgogerychwyrndrobwll "
    "and Sons (Holdings) Limited"
)[:200]

CAST: tuple[Member, ...] = (
    Member("brightwell", "Brightwell Plumbing Ltd", "Leeds", "boiler service", "USD", 4, 1500),
    Member("harrow-roofs", "Harrow & Daughters Roofing", "Leeds", "roof repair", "USD", 4, 1200),
    Member("nordlys", "Nordlys Takservice AS", "Tromsø", "roof repair", "USD", 3, 1200),
    Member("casa-verde", "Casa Verde Reformas S.L.", "Sevilla", "kitchen renovation", "EUR", 3),
    Member("mueller-dach", "Müller & Söhne Dachbau GmbH", "Köln", "flat roof", "EUR", 3, 1500),
    Member("dubois", "Atelier Dubois Rénovation SARL", "Lyon", "bathroom tiling", "EUR", 2),
    Member("sakura", "株式会社さくら設備", "大阪", "air conditioning", "JPY", 3, 150_000),
    Member("yamato", "大和電気工業株式会社", "福岡", "solar panels", "JPY", 2, 120_000),
    Member("hanbit", "한빛인테리어 주식회사", "서울", "wallpapering", "USD", 2),
    Member("cieplo", "Przybylski Instalacje Sp. z o.o.", "Kraków", "heat pump", "EUR", 2),
    Member("celik", "Çelik Yapı ve Ticaret A.Ş.", "İzmir", "facade painting", "USD", 3),
    Member("gulf-star", "نجمة الخليج للصيانة ذ.م.م", "الكويت", "pool maintenance", "KWD", 2, 300),
    Member("al-noor", "Al-Noor Contracting W.L.L.", "Kuwait City", "marble floor", "KWD", 2, 250),
    Member("sharma", "शर्मा पेंटर्स प्राइवेट लिमिटेड", "जयपुर", "house painting"),
    Member("ferreira", "Ferreira Limpezas Lda", "Porto", "office cleaning", "EUR", 3),
    Member("vdberg", "Van den Berg Loodgieters B.V.", "Utrecht", "leak detection", "EUR"),
    Member("georgiou", "Γεωργίου Υδραυλικά Ε.Π.Ε.", "Θεσσαλονίκη", "boiler service", "EUR", 1, 600),
    Member("teplyi", "ТОВ «Теплий дім»", "Львів", "window replacement"),
    Member("bao-an", "Công ty TNHH Điện Lạnh Bảo An", "Đà Nẵng", "air conditioning"),
    Member("maple-ridge", "Maple Ridge Windows Inc.", "Halifax", "window fitting", "USD", 4, 2000),
    Member("whitfield", "Whitfield Gutters Pty Ltd", "Hobart", "gutter cleaning"),
    Member("kowhai", "Kōwhai Landscaping Ltd", "Whangārei", "garden design"),
    Member("lagos-solar", "Lagos Bright Solar Ltd", "Lagos", "solar panels", "USD", 3, 1500),
    Member("kilima", "Kilima Borehole Drilling Co.", "Arusha", "borehole", "USD", 1, 600),
    Member("rossi", "Rossi Pavimenti S.r.l.", "Bologna", "parquet floor", "EUR"),
    Member("castillo", "Castillo e Hijos, S.A. de C.V.", "Puebla", "plastering"),
    Member("szabo", "Szabó Burkolás Kft.", "Győr", "bathroom tiling", "EUR", 1, 500),
    Member("zurcher", "Zürcher Küchenbau AG", "Winterthur", "fitted kitchen", "EUR", 2, 1800),
    Member("thorsson", "Þórsson Pípulagnir ehf.", "Akureyri", "pipe repair", "USD", 1, 500),
    Member("osullivan", "O'Sullivan & O'Shea Locksmiths", "Cork", "lock opened", "EUR", 3),
    Member("ben-david", "בן־דוד אלומיניום בע״מ", "חיפה", "aluminium shutters"),
    Member("prairie", "Prairie Wind Chimney Sweeps LLC", "Omaha", "chimney sweep", "USD", 3),
    Member("larsen", "Larsen Flytning ApS", "Aarhus", "house removal", "USD", 1, 800),
    # What careless programs break on: markup, escape sequences, text that turns round, signs of
    # several characters, formulas, SQL, and a name that has no end.
    Member("markup", "[bold red]Free Money[/] & <b>Sons</b>", "Leeds", "roof repair", "USD", 1),
    Member(
        "escape", "Evil\x1b[2J\x1b[31m Corp\x07", "Leeds", "\x1b[5mroof\x1b[0m repair", "USD", 1
    ),
    Member("turned", "\u202egnp.eciovni\u202c Holdings", "حلب", "roof repair", "USD", 1),
    Member("unicorn", "🦄 Unicorn Removals 👩🏽‍🔧🚚💨 Ltd", "Brighton", "house removal"),
    Member("formula", '=HYPERLINK("http://evil.example","Pay")', "Leeds", "roof repair", "USD", 1),
    Member("bobby", "Robert'); DROP TABLE posting;-- Ltd", "Leeds", "roof repair", "USD", 1),
    Member("endless", LONG_NAME, "Llanfairpwll", "chimney sweep", "USD", 1, email=""),
    # The scenes need these as they are, so the routine leaves them alone.
    Member("quickfix", "QuickFix Handymen LLC", "Austin", "handyman", pace=0, top_up=250),
    Member(
        "golden-gate", "Golden Gate Carpets Co.", "Oakland", "carpet laying", pace=0, top_up=500
    ),
    Member("tidewater", "Tidewater Boat Repairs", "Galway", "hull repair", pace=0, top_up=100),
    Member("harbour-glass", "Harbour Glass & Glazing", "Bristol", "glazing", pace=0, top_up=400),
    Member("sharp-cuts", "Sharp Cuts Hedge Service", "Bath", "hedge trimming", pace=0, top_up=50),
    Member("stone-lane", "Stone Lane Driveways", "Truro", "paving", pace=0, top_up=150),
    Member("rapid-rooter", "Rapid Rooter Drains", "Tampa", "drain cleaning", pace=0, top_up=120),
    Member("old-mill", "Old Mill Joinery", "Kendal", "staircase", pace=0, top_up=300),
    # These are on plans: their programs are counted, and they pay by the month.
    Member("pixel-forge", "Pixel Forge Studios", "Bristol", "banner", pace=0, top_up=1400),
    Member("beacon-ads", "Beacon Advertising Co.", "Chicago", "banner", pace=0, top_up=900),
    Member("cloudberry", "Cloudberry Analytics Oy", "Tampere", "report", pace=0, top_up=120),
    Member("orchard-apps", "Orchard Apps Ltd", "Bath", "photo check", pace=0, top_up=300),
    Member("quiet-reader", "Quiet Reader Press", "Galway", "text check", pace=0, top_up=60),
    Member("thin-margin", "Thin Margin Traders", "Leeds", "price check", pace=0, top_up=70),
    Member("stadtwerk", "Stadtwerk Süd Aufzüge GmbH", "Ulm", "lift", pace=0, top_up=30),
    Member(
        "blue-ridge", "Blue Ridge Septic & Sons", "Asheville", "septic tank", pace=0, top_up=200
    ),
)

CREDITS_FOR = ("brightwell", "maple-ridge", "unicorn")
"""These also keep a wallet of credits and spend them on photo checks."""
