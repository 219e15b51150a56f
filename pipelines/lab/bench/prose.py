"""News prose for benchmarks: sentences of our own writing with slots, so that no two texts are alike. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

PLACES = (
    "Aldermere", "Brackwater", "Corriefield", "Dunlow", "Eastmarch", "Fennick", "Garrowby", "Holmstead", "Inverlee",
    "Jarrowdale", "Kelmscott Bay", "Longmoor", "Marlhaven", "Northwick", "Oxenhope", "Penhallow", "Quarrington",
    "Redcliff", "Saltmarsh", "Thornbury", "Underwood", "Vexford", "Westerleigh", "Yarnton",
)  # fmt: skip
_FIRST = (
    "Anna", "Boris", "Carla", "Daniel", "Edith", "Farid", "Greta", "Hassan", "Ines", "Jonas", "Karin", "Liam", "Mina",
    "Noor", "Oscar", "Paula", "Ravi", "Sofia", "Tomas", "Ulla", "Viktor", "Wanda",
)  # fmt: skip
_LAST = (
    "Abbott", "Brandt", "Castell", "Dahl", "Eriksen", "Fontaine", "Grieve", "Hollis", "Ivers", "Jensen", "Kovacs",
    "Lindqvist", "Moreau", "Novak", "Okafor", "Pereira", "Quint", "Rossi", "Sandoval", "Tanaka", "Ueda", "Varga",
)  # fmt: skip
_OFFICES = (
    "the mayor", "the county council", "the port authority", "the health board", "the regional court",
    "the transport ministry", "the farmers' union", "the university", "the water company", "the national bank",
    "the fire service", "the school committee", "the energy regulator", "the football association",
)  # fmt: skip
_THINGS = (
    "the new tram line", "the flood defences", "the old harbour bridge", "the hospital extension", "the wind farm",
    "the bus strike", "the budget for next year", "the vaccination campaign", "the stadium lease", "the fishing quota",
    "the housing plan", "the airport noise limits", "the museum archive", "the river survey", "the rail timetable",
    "the teachers' pay deal", "the drought relief fund", "the cattle inspection", "the data centre permit",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WORDS = {"place": PLACES, "office": _OFFICES, "thing": _THINGS, "day": _DAYS}
_NUMBERS = {"number": (11, 99), "small": (2, 9), "year": (1958, 2019)}

_HEADLINES = (
    "{Office} in {place} votes to delay {thing}",
    "{place} residents question cost of {thing}",
    "Work on {thing} resumes in {place} after {number} days",
    "{Person} leaves post in {place} over {thing}",
    "How {place} learned to live with {thing}",
    "{Office} promises answer on {thing} by {day}",
    "Storm closes {number} roads near {place}, and {thing} must wait",
)

SENTENCES = (
    "{Office} in {place} agreed on {day} to spend {number} million on {thing}, after {small} years of argument.",
    "The decision passed by {small} votes, after {person} and {person} had spoken for {number} minutes.",
    "“We have waited long enough,” said {person}, who speaks for {office}. “People here need to know what comes next.”",
    "A report says that {thing} will cost {number} per cent more, because steel and labour have become dearer.",
    "Engineers found {number} faults in the first survey, though only {small} of them were thought to be dangerous.",
    "Traders near the station in {place} said that they had lost customers since the works began.",
    "In {place}, {number} kilometres to the north, {office} took the opposite view and asked the court for a ruling.",
    "{Person}, a lecturer who has studied {thing} since {year}, called the figures careful but incomplete.",
    "A spokesman for {office} declined to comment on {thing}, and said that a statement would follow on {day}.",
    "The first {number} families are to move in spring; the others must wait until {thing} has been settled.",
    "Police counted about {number} hundred people at the march, which ended peacefully by the river.",
    "Prices rose by {small} per cent in {year}, when {place} last tried something of the kind.",
    "Doctors at the hospital in {place} treated {number} patients during the weekend, {small} of them children.",
    "The team from {place} lost by {small} points, and {person} blamed the heavy pitch rather than the referee.",
    "Under the law of {year}, {office} has {number} days to publish its reasons, and neighbours may object.",
    "{Person} remembers the winter of {year}, when ice closed the harbour and {thing} had to be put off.",
    "An inquiry into {thing} heard from {number} witnesses, among them {person} of {place}.",
    "Farmers fear for the harvest: it has rained on only {small} days since the start of the season.",
    "“Nobody told us about {thing} until {day},” {person} said. “We read of it in the paper, like everybody else.”",
    "The plan leaves open who will pay for {thing} if {office} withdraws its guarantee.",
    "Researchers measured the current at {number} points between {place} and {place}, and will come back next year.",
    "By the evening, {number} trains had been cancelled and passengers slept in the waiting room at {place}.",
    "Similar schemes in {place} and {place} were given up after {small} months, for want of money and of staff.",
    "The budget sets aside {number} million for {thing}; critics led by {person} say that half would do.",
    "Whether {office} can keep its promise will depend on the weather, on the courts and on {person}.",
    "No date has been set for the next meeting, but {person} hopes that {thing} will be on the list.",
)


def person(random: Random) -> str:
    """Give somebody's name."""
    return f"{random.choice(_FIRST)} {random.choice(_LAST)}"


def headline(random: Random) -> str:
    """Give a headline."""
    return _filled(random, random.choice(_HEADLINES))


def sentences(random: Random) -> Iterator[str]:
    """Give sentences without an end; each form comes once before any comes again."""
    while True:
        for form in random.sample(SENTENCES, len(SENTENCES)):
            yield _filled(random, form)


def paragraphs(random: Random, words: int) -> list[str]:
    """Give paragraphs of two to four sentences, of so many words or a few more in all."""
    found: list[str] = []
    supply, left = sentences(random), words
    while left > 0:
        text = " ".join(next(supply) for _ in range(random.randint(2, 4)))
        found.append(text)
        left -= text.count(" ") + 1
    return found


def _filled(random: Random, form: str) -> str:
    """Fill a form's slots, each one with a word of its own."""
    parts = []
    for literal, slot in _split(form):
        parts.append(literal)
        word = _word(random, slot.lower())
        parts.append(word[:1].upper() + word[1:] if slot[:1].isupper() else word)
    return "".join(parts)


def _split(form: str) -> Iterator[tuple[str, str]]:
    for part in form.split("}"):
        literal, _, slot = part.partition("{")
        yield literal, slot


def _word(random: Random, slot: str) -> str:
    if slot in _WORDS:
        return random.choice(_WORDS[slot])
    if slot in _NUMBERS:
        return str(random.randint(*_NUMBERS[slot]))
    return person(random) if slot == "person" else ""
