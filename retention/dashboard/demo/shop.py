"""Two years of a shop, drawn from one fixed seed: who came when, came back, and bought what.

Repeat buying follows the BG/NBD story: everybody has an own rate, drawn from a gamma distribution, and
after each purchase may be gone for good, with an own probability drawn from a beta distribution. Both
depend on the channel that brought the person. Seasons thin the rate.
"""

from __future__ import annotations

import bisect
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from retention.dashboard.demo.goods import GOODS, Good
from retention.dashboard.demo.people import NAMES, PLACES, plain

SEED = 20_240_229
ZONE = ZoneInfo("America/New_York")
DAYS = 730
CUSTOMERS = 8_000
ORDERS = 25_000
# Orders without a customer fill up to the number wanted, within these shares of it.
GUESTS = (0.10, 0.22)
FIRST_ORDER = 1001

# Demand by calendar month; spring repotting and the gifts of November and December.
SEASON = (0.78, 0.82, 0.98, 1.12, 1.15, 0.92, 0.80, 0.80, 0.92, 1.02, 1.62, 1.75)
HIGHEST_SEASON = max(SEASON) * 1.6


@dataclass(frozen=True)
class Channel:
    name: str
    # Share of new people at the start and at the end of the two years.
    share: tuple[float, float]
    # Gamma shape and mean of the yearly rate while alive; beta parameters of leaving.
    shape: float
    rate: float
    leaving: tuple[float, float]
    campaigns: tuple[str, ...] = ()


CHANNELS: tuple[Channel, ...] = (
    Channel("Organic search", (0.26, 0.24), 1.2, 16.0, (0.60, 0.27)),
    Channel(
        "Google Ads", (0.24, 0.21), 1.1, 14.2, (0.70, 0.22), ("Houseplants generic", "Brand", "Shopping")
    ),
    Channel(
        "Instagram", (0.20, 0.19), 1.05, 13.5, (0.76, 0.21), ("Shelfie", "Reels pots", "Creator Juniper")
    ),
    Channel("E-mail", (0.08, 0.14), 1.4, 17.8, (0.48, 0.38), ("Welcome series", "Care tips")),
    Channel("Direct", (0.12, 0.11), 1.2, 15.3, (0.60, 0.26)),
    Channel("Referral", (0.04, 0.05), 1.3, 16.2, (0.54, 0.31), ("Friends of Fern",)),
    Channel("Marketplace", (0.06, 0.06), 0.9, 10.0, (0.85, 0.14)),
)
BY_NAME = {channel.name: channel for channel in CHANNELS}
SEASONAL_CAMPAIGNS = {3: "Spring repotting", 4: "Spring repotting", 11: "Black Friday", 12: "Holiday gifts"}


@dataclass(frozen=True)
class Person:
    number: int
    first_name: str
    last_name: str
    email: str
    country: str
    region: str
    city: str
    accepts_email: bool
    channel: Channel


@dataclass(frozen=True)
class Item:
    good: Good
    quantity: int
    discount: int = 0


@dataclass(frozen=True)
class Parcel:
    shipped_at: datetime
    due_at: datetime
    delivered_at: datetime | None


@dataclass
class Sale:
    placed_at: datetime
    person: Person | None
    place: tuple[str, str, str]
    items: list[Item]
    channel: str
    campaign: str = ""
    coupon: str = ""
    number: int = 0
    shipping: int = 0
    tax: int = 0
    refunded: int = 0
    cancelled_at: datetime | None = None
    parcel: Parcel | None = None

    @property
    def name(self) -> str:
        return f"#{self.number}"

    @property
    def subtotal(self) -> int:
        """Items after discounts."""
        return sum(item.good.price * item.quantity - item.discount for item in self.items)

    @property
    def discount(self) -> int:
        return sum(item.discount for item in self.items)

    @property
    def total(self) -> int:
        return self.subtotal + self.shipping + self.tax


@dataclass
class Shop:
    today: date
    people: list[Person] = field(default_factory=list)
    sales: list[Sale] = field(default_factory=list)


def build(today: date, *, scale: float = 1.0) -> Shop:
    """The shop's two years before `today`; `scale` makes it smaller."""
    return _Story(today, scale).tell()


class _Story:
    def __init__(self, today: date, scale: float) -> None:
        self.random = random.Random(SEED)
        self.today = today
        self.scale = scale
        self.first = today - timedelta(days=DAYS)
        self.end = datetime.combine(today, time(), ZONE)
        self.people_wanted = max(1, round(CUSTOMERS * scale))
        self.places = [place for place, _ in PLACES]
        self.place_weights = list(accumulate(weight for _, weight in PLACES))
        self.current = [good for good in GOODS if not good.retired]
        self.days = [self.first + timedelta(days=n) for n in range(DAYS)]
        self.season = [_season(day) for day in self.days]

    def tell(self) -> Shop:
        shop = Shop(self.today)
        # More people find the shop every month.
        arrivals = list(accumulate(s * (0.75 + 0.5 * n / DAYS) for n, s in enumerate(self.season)))
        for number in range(self.people_wanted):
            day = bisect.bisect_left(arrivals, self.random.random() * arrivals[-1])
            person = self._person(number, day)
            shop.people.append(person)
            shop.sales.extend(self._life(person, day))
        wanted = ORDERS * self.scale
        missing = wanted - len(shop.sales)
        for _ in range(round(min(max(missing, GUESTS[0] * wanted), GUESTS[1] * wanted))):
            day = bisect.bisect_left(arrivals, self.random.random() * arrivals[-1])
            shop.sales.append(self._guest(day))
        shop.sales.sort(key=lambda sale: sale.placed_at)
        for number, sale in enumerate(shop.sales, start=FIRST_ORDER):
            sale.number = number
            self._fulfil(sale)
        return shop

    def _person(self, number: int, day: int) -> Person:
        draw = self.random
        given, family = draw.choice(NAMES)
        first, last = draw.choice(given), draw.choice(family)
        place = draw.choices(self.places, cum_weights=self.place_weights)[0]
        weights = [c.share[0] + (c.share[1] - c.share[0]) * day / DAYS for c in CHANNELS]
        channel = draw.choices(CHANNELS, weights)[0]
        return Person(
            number=number + 1,
            first_name=first,
            last_name=last,
            email=f"{plain(first)}.{plain(last)}{number + 1}@example.com",
            country=place[0],
            region=place[1],
            city=place[2],
            accepts_email=channel.name == "E-mail" or draw.random() < 0.58,
            channel=channel,
        )

    def _life(self, person: Person, day: int) -> list[Sale]:
        """The first order and every one after it, until the person is gone or the two years are over."""
        draw, channel = self.random, person.channel
        # The shop gets better at keeping people: later comers leave a little less easily.
        stay, leave = channel.leaving[1] * (1 + 0.35 * day / DAYS), channel.leaving[0]
        leaving = draw.betavariate(leave, stay)
        rate = draw.gammavariate(channel.shape, channel.rate / channel.shape) / 365
        favourites = [draw.gammavariate(0.7, 1.0) for _ in range(8)]
        sales = [self._sale(person, day, favourites, first=True)]
        if self._cancel(sales[0]) and day + 1 < DAYS:
            # A first order that went wrong is placed again.
            sales.append(self._sale(person, day + 1, favourites, first=False))
        elif sales[0].cancelled_at:
            sales[0].cancelled_at = None
        at = float(day)
        while draw.random() >= leaving:
            at += draw.expovariate(rate * HIGHEST_SEASON) if rate > 1e-9 else DAYS
            while at < DAYS and draw.random() * HIGHEST_SEASON > self.season[int(at)]:
                at += draw.expovariate(rate * HIGHEST_SEASON)
            if at >= DAYS:
                break
            sale = self._sale(person, int(at), favourites, first=False)
            self._cancel(sale)
            sales.append(sale)
        return sales

    def _guest(self, day: int) -> Sale:
        """An order from a marketplace or the counter, without an e-mail address."""
        sale = self._sale(None, day, [1.0] * 8, first=False)
        self._cancel(sale)
        return sale

    def _sale(self, person: Person | None, day: int, favourites: Sequence[float], *, first: bool) -> Sale:
        draw = self.random
        date_ = self.days[day]
        hour = draw.gauss(13, 2.5) if draw.random() < 0.55 else draw.gauss(20, 1.6)
        seconds = int(min(max(hour, 0.1), 23.9) * 3600) + draw.randrange(300)
        placed = datetime.combine(date_, time(), ZONE) + timedelta(seconds=min(seconds, 86_399))
        if person is None:
            channel, place = draw.choices(("Marketplace", "Shop counter"), (7, 3))[0], self.places[0]
            if channel == "Marketplace":
                place = draw.choices(self.places, cum_weights=self.place_weights)[0]
        else:
            place = (person.country, person.region, person.city)
            channel = self._channel(person, first)
        sale = Sale(placed, person, place, [], channel)
        sale.campaign = self._campaign(channel, date_)
        sale.items = self._basket(day, favourites, first)
        self._discount(sale, first)
        if sale.subtotal < 4500 and channel != "Shop counter":
            sale.shipping = 690 if place[0] == "US" else 1490
        sale.tax = round(sale.subtotal * 0.07) if place[0] == "US" else 0
        return sale

    def _channel(self, person: Person, first: bool) -> str:
        draw = self.random
        if first:
            return person.channel.name
        weights = (16, 11, 9, 40 if person.accepts_email else 2, 26, 2, 3)
        if person.channel.name == "Marketplace":
            weights = (8, 6, 3, 8, 10, 1, 60)
        return draw.choices(CHANNELS, weights)[0].name

    def _campaign(self, channel: str, day: date) -> str:
        draw = self.random
        campaigns = BY_NAME[channel].campaigns if channel in BY_NAME else ()
        if not campaigns:
            return ""
        seasonal = SEASONAL_CAMPAIGNS.get(day.month)
        if seasonal and draw.random() < 0.45:
            return seasonal
        return draw.choice(campaigns)

    def _basket(self, day: int, favourites: Sequence[float], first: bool) -> list[Item]:
        draw = self.random
        shelf = self.current if day > DAYS // 2 else GOODS
        weights = list(accumulate(self._appeal(good, favourites, day, first) for good in shelf))
        lines = draw.choices((1, 2, 3, 4, 5), (52, 27, 13, 6, 2))[0]
        chosen: dict[str, Good] = {}
        for _ in range(lines):
            good = draw.choices(shelf, cum_weights=weights)[0]
            chosen[good.sku] = good
        return [
            Item(good, draw.choices((1, 2, 3), (88, 9, 3) if good.price > 2500 else (68, 23, 9))[0])
            for good in chosen.values()
        ]

    def _appeal(self, good: Good, favourites: Sequence[float], day: int, first: bool) -> float:
        shelf = _SHELF[good.category]
        appeal = good.weight * (0.35 + favourites[shelf])
        if good.reorder_days and not first:
            appeal *= 2.2
        if good.category in ("Home", "Lighting") and self.days[day].month in (11, 12):
            appeal *= 2.0
        return appeal

    def _discount(self, sale: Sale, first: bool) -> None:
        draw, month = self.random, sale.placed_at.month
        share = 0.0
        if sale.campaign == "Black Friday":
            sale.coupon, share = "BLOOM20", 0.20
        elif first and sale.channel in ("E-mail", "Instagram", "Referral") and draw.random() < 0.6:
            sale.coupon, share = "WELCOME10", 0.10
        elif month in (3, 4) and draw.random() < 0.12:
            sale.coupon, share = "SPRING15", 0.15
        elif not first and draw.random() < 0.06:
            sale.coupon, share = "THANKYOU10", 0.10
        if share:
            sale.items = [
                Item(i.good, i.quantity, round(i.good.price * i.quantity * share)) for i in sale.items
            ]

    def _cancel(self, sale: Sale) -> bool:
        if self.random.random() < 0.018:
            cancelled = sale.placed_at + timedelta(minutes=self.random.randrange(5, 900))
            sale.cancelled_at = cancelled if cancelled < self.end else None
        return sale.cancelled_at is not None

    def _fulfil(self, sale: Sale) -> None:
        """The parcel, and what went back."""
        draw = self.random
        days_to_ship, transit, late = draw.uniform(0.4, 2.2), draw.gauss(3.2, 0.8), draw.random()
        returned, part = draw.random(), draw.random()
        if sale.cancelled_at or sale.channel == "Shop counter":
            return
        shipped = sale.placed_at + timedelta(days=days_to_ship)
        if shipped >= self.end:
            return
        due = datetime.combine(sale.placed_at.date() + timedelta(days=7), time(20), ZONE)
        transit = max(transit, 1.0)
        if late < 0.055:
            # Late parcels arrive days after the promise; one in eight has not arrived at all.
            transit = 7.5 + late * 160
        lost = late < 0.007 and shipped > self.end - timedelta(days=45)
        delivered = shipped + timedelta(days=transit)
        arrived = None if lost or delivered >= self.end else delivered
        sale.parcel = Parcel(_whole(shipped), due, _whole(arrived) if arrived else None)
        if arrived and returned < 0.048:
            pieces = [item.good.price * item.quantity - item.discount for item in sale.items]
            sale.refunded = sum(pieces) if part < 0.45 else draw.choice(pieces)


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _season(day: date) -> float:
    """How strong demand is on a day: month blended into month, and a peak around Black Friday."""
    position = day.month - 1 + (day.day - 15) / 30
    low = math.floor(position)
    share = position - low
    smooth = SEASON[low % 12] * (1 - share) + SEASON[(low + 1) % 12] * share
    if day.month == 11 and day.day >= 23:
        return smooth * 1.45
    return smooth * (0.5 if day.month == 12 and day.day > 23 else 1.0)


_SHELF = {category: number for number, category in enumerate(dict.fromkeys(g.category for g in GOODS))}
