"""Product pictures: small drawings that travel inside the address itself, so nothing has to be served.

A picture in an `img` never runs scripts; an address must fit into `Product.image_url`.
"""

from __future__ import annotations

from urllib.parse import quote

LONGEST_ADDRESS = 1000

POT = "<path d='M30 60h36l-5 24H35z' fill='{pot}'/><path d='M28 56h40v8H28z' fill='{rim}'/>"


def _leafy(main: str, dark: str, pot: str) -> str:
    return (
        f"<path d='M48 60C26 50 16 34 22 20C44 34 44 46 48 60' fill='{dark}'/>"
        f"<path d='M48 60C52 46 52 34 74 20C80 34 70 50 48 60' fill='{dark}'/>"
        f"<path d='M48 62C34 44 38 26 48 12C58 26 62 44 48 62' fill='{main}'/>" + POT.format(pot=pot, rim=pot)
    )


def _cactus(main: str, dark: str, pot: str) -> str:
    return (
        f"<rect x='39' y='18' width='18' height='44' rx='9' fill='{main}'/>"
        f"<path d='M40 48H30V34M56 42h10V30' fill='none' stroke='{dark}' stroke-width='8'"
        " stroke-linecap='round'/>" + POT.format(pot=pot, rim=pot)
    )


def _pot(main: str, dark: str, pot: str) -> str:
    return (
        f"<path d='M24 34h48l-7 46H31z' fill='{main}'/><path d='M20 24h56v14H20z' fill='{dark}'/>"
        f"<path d='M29 54h38' stroke='{pot}' stroke-width='4'/>"
    )


def _bottle(main: str, dark: str, pot: str) -> str:
    return (
        f"<rect x='32' y='32' width='32' height='52' rx='6' fill='{main}'/>"
        f"<rect x='40' y='14' width='16' height='20' rx='3' fill='{dark}'/>"
        f"<circle cx='48' cy='58' r='10' fill='{pot}'/>"
    )


def _tool(main: str, dark: str, pot: str) -> str:
    return (
        f"<rect x='43' y='12' width='10' height='38' rx='5' fill='{pot}'/>"
        f"<path d='M36 48h24v16q0 16-12 22q-12-6-12-22z' fill='{main}'/>"
        f"<path d='M48 54v24' stroke='{dark}' stroke-width='3'/>"
    )


def _packet(main: str, dark: str, pot: str) -> str:
    petals = "".join(
        f"<circle cx='{x}' cy='{y}' r='7' fill='{pot}'/>" for x, y in ((48, 42), (57, 50), (48, 58), (39, 50))
    )
    return (
        f"<rect x='26' y='14' width='44' height='68' rx='4' fill='{main}'/>{petals}"
        f"<circle cx='48' cy='50' r='5' fill='{dark}'/>"
    )


def _textile(main: str, dark: str, pot: str) -> str:
    return (
        f"<rect x='18' y='22' width='60' height='52' rx='10' fill='{main}'/>"
        f"<path d='M18 40h60M18 56h60' stroke='{dark}' stroke-width='5'/>"
        f"<path d='M36 22v52' stroke='{pot}' stroke-width='3'/>"
    )


def _lamp(main: str, dark: str, pot: str) -> str:
    return (
        f"<path d='M34 16h28l12 32H22z' fill='{main}'/><path d='M48 48v28' stroke='{dark}' stroke-width='5'/>"
        f"<rect x='32' y='76' width='32' height='7' rx='3' fill='{dark}'/>"
        f"<circle cx='48' cy='52' r='6' fill='{pot}'/>"
    )


DRAWINGS = {
    "leafy": _leafy,
    "cactus": _cactus,
    "pot": _pot,
    "bottle": _bottle,
    "tool": _tool,
    "packet": _packet,
    "textile": _textile,
    "lamp": _lamp,
}
PALETTES = (
    ("#2e8c68", "#16583f", "#c8754d"),
    ("#5a9e4b", "#376b2f", "#d9a13b"),
    ("#3d8f8a", "#1f5d5c", "#b35d5d"),
    ("#8c9a3c", "#5c671f", "#7d6aa8"),
    ("#c8754d", "#8c4a2d", "#f1dfc4"),
    ("#6d83a8", "#43587c", "#e6b857"),
)
GROUNDS = ("#eef5f0", "#f7f1e6", "#eaf1f6", "#f4edf3")


def draw(drawing: str, number: int) -> str:
    """The picture as SVG; the number picks its colours."""
    main, dark, pot = PALETTES[number % len(PALETTES)]
    ground = GROUNDS[number % len(GROUNDS)]
    return (
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 96 96'>"
        f"<rect width='96' height='96' fill='{ground}'/>{DRAWINGS[drawing](main, dark, pot)}</svg>"
    )


def address(drawing: str, number: int) -> str:
    """The picture as a `data:` address. Raises ValueError when it would not fit."""
    url = "data:image/svg+xml," + quote(draw(drawing, number), safe=" ='/:,.-")
    if len(url) > LONGEST_ADDRESS:
        raise ValueError(f"the picture {drawing} is too long for an address: {len(url)} characters")
    return url
