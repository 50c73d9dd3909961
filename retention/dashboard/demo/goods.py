"""What the demo shop sells, and how its goods belong together."""

from __future__ import annotations

from dataclasses import dataclass

from retention.dashboard.demo import pictures


@dataclass(frozen=True)
class Good:
    sku: str
    title: str
    category: str
    price: int
    cost: int
    stock: int
    drawing: str
    # How often it is put into a basket, against the others.
    weight: float = 1.0
    reorder_days: int | None = None
    # Sold in the first year only; a successor replaced it.
    retired: bool = False

    @property
    def handle(self) -> str:
        return self.title.lower().replace(" ", "-").replace("’", "").replace(",", "")

    @property
    def picture(self) -> str:
        return pictures.address(self.drawing, int(self.sku[-2:]) + len(self.category))


# category: drawing, share of the price that is cost, [(title, dollars, weight, stock, reorder days)]
_SHELVES: dict[str, tuple[str, float, list[tuple[str, float, float, int, int | None]]]] = {
    "Houseplants": (
        "leafy",
        0.46,
        [
            ("Monstera Deliciosa", 39.0, 2.2, 84, None),
            ("Snake Plant", 29.0, 2.0, 132, None),
            ("Golden Pothos", 19.0, 2.4, 210, None),
            ("Peace Lily", 26.0, 1.3, 76, None),
            ("Fiddle Leaf Fig", 64.0, 0.9, 18, None),
            ("Rubber Plant", 34.0, 1.1, 55, None),
            ("Boston Fern", 24.0, 1.4, 90, None),
            ("ZZ Plant", 32.0, 1.2, 61, None),
            ("Calathea Orbifolia", 36.0, 0.8, 0, None),
            ("Bird of Paradise", 89.0, 0.5, 9, None),
        ],
    ),
    "Succulents": (
        "cactus",
        0.4,
        [
            ("Aloe Vera", 16.0, 1.5, 140, None),
            ("Echeveria Trio", 22.0, 1.4, 96, None),
            ("Golden Barrel Cactus", 28.0, 0.7, 34, None),
            ("Jade Plant", 18.0, 1.1, 88, None),
            ("String of Pearls", 21.0, 1.0, 12, None),
            ("Haworthia Zebra", 14.0, 0.9, 120, None),
            ("Bunny Ear Cactus", 17.0, 0.8, 47, None),
        ],
    ),
    "Pots and planters": (
        "pot",
        0.38,
        [
            ("Terracotta Pot, small", 9.0, 2.0, 400, None),
            ("Terracotta Pot, large", 24.0, 1.2, 160, None),
            ("Glazed Planter, sage", 38.0, 1.1, 72, None),
            ("Glazed Planter, midnight", 38.0, 0.9, 65, None),
            ("Hanging Planter", 27.0, 1.2, 110, None),
            ("Self-watering Planter", 49.0, 0.8, 40, None),
            ("Plant Stand, oak", 59.0, 0.6, 22, None),
            ("Concrete Bowl", 31.0, 0.6, 38, None),
        ],
    ),
    "Plant care": (
        "bottle",
        0.28,
        [
            ("Liquid Plant Food", 14.0, 3.2, 620, 60),
            ("Slow-release Plant Food", 18.0, 1.8, 310, 120),
            ("Potting Mix, 8 l", 16.0, 2.4, 280, 90),
            ("Cactus Mix, 5 l", 13.0, 1.1, 190, 120),
            ("Orchid Bark", 15.0, 0.7, 85, 180),
            ("Neem Oil Spray", 12.0, 1.6, 240, 75),
            ("Leaf Shine Wipes", 9.0, 1.3, 330, 45),
            ("Rooting Gel", 11.0, 0.7, 130, 150),
            ("Fungus Gnat Traps", 8.0, 1.6, 410, 40),
            ("Moss Pole Refill", 10.0, 0.6, 150, 120),
        ],
    ),
    "Tools": (
        "tool",
        0.42,
        [
            ("Watering Can, copper", 44.0, 0.9, 58, None),
            ("Watering Can, classic", 29.0, 0.8, 0, None),
            ("Pruning Snips", 19.0, 1.2, 145, None),
            ("Hand Trowel", 17.0, 0.8, 96, None),
            ("Mister Bottle", 15.0, 1.3, 170, None),
            ("Moisture Meter", 14.0, 1.2, 205, None),
            ("Repotting Mat", 21.0, 0.6, 66, None),
        ],
    ),
    "Seeds and bulbs": (
        "packet",
        0.3,
        [
            ("Kitchen Herb Seeds", 7.0, 1.5, 520, 180),
            ("Wildflower Meadow Mix", 9.0, 1.1, 380, 365),
            ("Cherry Tomato Seeds", 5.0, 1.2, 610, 365),
            ("Tulip Bulbs, 20", 18.0, 0.9, 140, 365),
            ("Amaryllis Kit", 26.0, 1.0, 74, 365),
            ("Microgreens Refill", 8.0, 1.1, 290, 30),
        ],
    ),
    "Home": (
        "textile",
        0.44,
        [
            ("Linen Cushion, fern", 42.0, 0.8, 51, None),
            ("Wool Throw, moss", 96.0, 0.5, 16, None),
            ("Cotton Tea Towels", 18.0, 1.0, 125, None),
            ("Beeswax Candle", 22.0, 1.5, 230, 60),
            ("Botanical Print", 35.0, 0.8, 68, None),
            ("Jute Basket", 33.0, 0.9, 59, None),
            ("Fig Leaf Diffuser Refill", 19.0, 1.1, 175, 60),
        ],
    ),
    "Lighting": (
        "lamp",
        0.48,
        [
            ("Grow Light, clip-on", 34.0, 1.0, 83, None),
            ("Grow Light, bar", 79.0, 0.6, 27, None),
            ("Paper Table Lamp", 58.0, 0.5, 31, None),
            ("Grow Light, first series", 45.0, 0.8, 0, None),
            ("Light Timer", 16.0, 0.7, 150, None),
        ],
    ),
}
_RETIRED = {"Watering Can, classic", "Grow Light, first series"}


def _goods() -> list[Good]:
    goods = []
    for category, (drawing, cost, rows) in _SHELVES.items():
        prefix = "".join(c for c in category.upper() if c.isalpha())[:4]
        for number, (title, price, weight, stock, reorder) in enumerate(rows, start=1):
            cents = round(price * 100)
            goods.append(
                Good(
                    sku=f"{prefix}-{number:02}",
                    title=title,
                    category=category,
                    price=cents,
                    cost=round(cents * (cost + (number % 4 - 1.5) * 0.03)),
                    stock=stock,
                    drawing=drawing,
                    weight=weight,
                    reorder_days=reorder,
                    retired=title in _RETIRED,
                )
            )
    return goods


GOODS: list[Good] = _goods()
CATEGORIES: tuple[str, ...] = tuple(_SHELVES)

# (product, kind, other): `other` stands in relation `kind` to the product.
RELATIONS: tuple[tuple[str, str, str], ...] = (
    ("Monstera Deliciosa", "complement", "Liquid Plant Food"),
    ("Monstera Deliciosa", "accessory", "Moss Pole Refill"),
    ("Monstera Deliciosa", "accessory", "Glazed Planter, sage"),
    ("Snake Plant", "complement", "Cactus Mix, 5 l"),
    ("Snake Plant", "accessory", "Terracotta Pot, large"),
    ("Golden Pothos", "accessory", "Hanging Planter"),
    ("Golden Pothos", "complement", "Rooting Gel"),
    ("Peace Lily", "complement", "Leaf Shine Wipes"),
    ("Fiddle Leaf Fig", "complement", "Slow-release Plant Food"),
    ("Fiddle Leaf Fig", "accessory", "Plant Stand, oak"),
    ("Rubber Plant", "upgrade", "Fiddle Leaf Fig"),
    ("Rubber Plant", "complement", "Leaf Shine Wipes"),
    ("Boston Fern", "accessory", "Mister Bottle"),
    ("ZZ Plant", "complement", "Potting Mix, 8 l"),
    ("Calathea Orbifolia", "accessory", "Mister Bottle"),
    ("Bird of Paradise", "accessory", "Grow Light, bar"),
    ("Aloe Vera", "complement", "Cactus Mix, 5 l"),
    ("Aloe Vera", "accessory", "Terracotta Pot, small"),
    ("Echeveria Trio", "accessory", "Concrete Bowl"),
    ("Golden Barrel Cactus", "complement", "Cactus Mix, 5 l"),
    ("String of Pearls", "accessory", "Hanging Planter"),
    ("Terracotta Pot, small", "upgrade", "Terracotta Pot, large"),
    ("Terracotta Pot, large", "upgrade", "Self-watering Planter"),
    ("Glazed Planter, sage", "accessory", "Plant Stand, oak"),
    ("Liquid Plant Food", "complement", "Potting Mix, 8 l"),
    ("Liquid Plant Food", "upgrade", "Slow-release Plant Food"),
    ("Neem Oil Spray", "complement", "Fungus Gnat Traps"),
    ("Moisture Meter", "complement", "Watering Can, copper"),
    ("Watering Can, copper", "replaces", "Watering Can, classic"),
    ("Pruning Snips", "complement", "Rooting Gel"),
    ("Hand Trowel", "complement", "Repotting Mat"),
    ("Kitchen Herb Seeds", "accessory", "Grow Light, clip-on"),
    ("Microgreens Refill", "accessory", "Grow Light, bar"),
    ("Amaryllis Kit", "accessory", "Glazed Planter, midnight"),
    ("Tulip Bulbs, 20", "complement", "Hand Trowel"),
    ("Linen Cushion, fern", "complement", "Wool Throw, moss"),
    ("Beeswax Candle", "complement", "Fig Leaf Diffuser Refill"),
    ("Grow Light, clip-on", "upgrade", "Grow Light, bar"),
    ("Grow Light, clip-on", "replaces", "Grow Light, first series"),
    ("Grow Light, bar", "accessory", "Light Timer"),
)
