"""Names and places of people who do not exist."""

from __future__ import annotations

import unicodedata

# Per culture: given names, family names.
NAMES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (
        (
            "Emma",
            "Liam",
            "Grace",
            "Noah",
            "Hannah",
            "Owen",
            "Claire",
            "Wyatt",
            "Ruth",
            "Dylan",
            "June",
            "Ethan",
        ),
        ("Miller", "Carter", "Brooks", "Hayes", "Whitman", "Porter", "Ellis", "Reed", "Sawyer", "Lowell"),
    ),
    (
        ("Lucía", "Mateo", "Camila", "Diego", "Sofía", "Javier", "Elena", "Andrés", "Marisol", "Rafael"),
        ("García", "Morales", "Vega", "Castillo", "Ríos", "Navarro", "Ortega", "Salazar", "Fuentes"),
    ),
    (
        ("Mei", "Jun", "Xin", "Wei", "Lian", "Hao", "Yan", "Bo", "Ling", "Tao"),
        ("Chen", "Lin", "Zhao", "Wang", "Liu", "Huang", "Xu", "Guo", "Tang"),
    ),
    (
        ("Priya", "Arjun", "Anika", "Rohan", "Meera", "Vikram", "Divya", "Kiran", "Nisha", "Sanjay"),
        ("Patel", "Sharma", "Iyer", "Reddy", "Kapoor", "Nair", "Mehta", "Das", "Joshi"),
    ),
    (
        ("Amara", "Kofi", "Zuri", "Tunde", "Imani", "Kwame", "Nia", "Sekou", "Adaeze", "Jelani"),
        ("Okafor", "Mensah", "Adeyemi", "Diallo", "Abara", "Owusu", "Kamau", "Toure", "Eze"),
    ),
    (
        ("Yuki", "Haruto", "Aiko", "Sora", "Naomi", "Kenji", "Hana", "Riku", "Emi", "Daichi"),
        ("Tanaka", "Sato", "Mori", "Ishikawa", "Kato", "Yamada", "Ono", "Fujita", "Hayashi"),
    ),
    (
        ("Leila", "Omar", "Yasmin", "Karim", "Noor", "Tariq", "Samira", "Hadi", "Rana", "Ziad"),
        ("Haddad", "Rahman", "Nasser", "Farouk", "Aziz", "Khoury", "Saleh", "Mansour"),
    ),
    (
        ("Anna", "Jakob", "Ingrid", "Luca", "Zofia", "Mikael", "Chloé", "Tomas", "Greta", "Piotr"),
        ("Novak", "Schmidt", "Larsen", "Rossi", "Kowalska", "Dubois", "Jansen", "Lindqvist", "Bauer"),
    ),
)

# country, region, city; repeated by weight.
PLACES: tuple[tuple[tuple[str, str, str], float], ...] = (
    (("US", "NY", "New York"), 14),
    (("US", "NJ", "Hoboken"), 5),
    (("US", "MA", "Boston"), 7),
    (("US", "PA", "Philadelphia"), 6),
    (("US", "IL", "Chicago"), 7),
    (("US", "TX", "Austin"), 7),
    (("US", "CA", "Los Angeles"), 9),
    (("US", "CA", "Oakland"), 5),
    (("US", "WA", "Seattle"), 6),
    (("US", "CO", "Denver"), 5),
    (("US", "GA", "Atlanta"), 5),
    (("US", "FL", "Tampa"), 5),
    (("US", "OR", "Portland"), 4),
    (("CA", "ON", "Toronto"), 6),
    (("CA", "QC", "Montréal"), 3),
    (("GB", "ENG", "London"), 3),
    (("DE", "BE", "Berlin"), 2),
    (("AU", "VIC", "Melbourne"), 1),
)


def plain(word: str) -> str:
    """Lower-case letters of the Latin alphabet only, for an e-mail address."""
    return "".join(c for c in unicodedata.normalize("NFKD", word).lower() if "a" <= c <= "z")
