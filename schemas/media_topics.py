"""The 17 top classes of IPTC Media Topics as data.

Ids and English labels are IPTC's (NewsCodes, https://iptc.org/standards/media-topics/, CC BY 4.0, see NOTICE); ids
never change, labels are those of the release of 2023-10-24. The definitions are in our own words.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MediaTopic:
    """One class of IPTC Media Topics.

    Attributes:
        id: its id as articles carry it, e.g. `medtop:11000000`.
        label: its English name.
        definition: what belongs to it, one sentence.
    """

    id: str
    label: str
    definition: str


TOP_TOPICS: tuple[MediaTopic, ...] = (
    MediaTopic(
        "medtop:01000000",
        "arts, culture, entertainment and media",
        "Creative work, those who make, show and publish it, and what a culture hands down.",
    ),
    MediaTopic(
        "medtop:16000000",
        "conflict, war and peace",
        "War, political violence, protest and unrest, the forces that take part, and the ways back to peace.",
    ),
    MediaTopic(
        "medtop:02000000",
        "crime, law and justice",
        "What the law forbids and allows, who breaks it, and the police, courts and prisons that answer.",
    ),
    MediaTopic(
        "medtop:03000000",
        "disaster, accident and emergency incident",
        "Sudden harm to people or property, by nature or by accident, and the rescue that follows.",
    ),
    MediaTopic(
        "medtop:04000000",
        "economy, business and finance",
        "How goods, services and money are made, traded and managed.",
    ),
    MediaTopic("medtop:05000000", "education", "Teaching and learning, in schools and outside them."),
    MediaTopic(
        "medtop:06000000",
        "environment",
        "The state of nature: its damage, its protection, and what changes its climate.",
    ),
    MediaTopic("medtop:07000000", "health", "Body and mind: illness, its prevention and its treatment."),
    MediaTopic(
        "medtop:08000000",
        "human interest",
        "People, animals and things told for the feeling in the story: joys, griefs, oddities, records.",
    ),
    MediaTopic(
        "medtop:09000000",
        "labour",
        "Work for pay and the lack of it: conditions, wages, unions and disputes.",
    ),
    MediaTopic(
        "medtop:10000000",
        "lifestyle and leisure",
        "What people do for pleasure: travel, food, hobbies, games, going out.",
    ),
    MediaTopic(
        "medtop:11000000",
        "politics",
        "Who governs and how power is won, used and contested, at home and between states.",
    ),
    MediaTopic("medtop:12000000", "religion", "Beliefs, those who hold and teach them, and their institutions."),
    MediaTopic(
        "medtop:13000000",
        "science and technology",
        "Research into nature and society, and the tools made from it.",
    ),
    MediaTopic(
        "medtop:14000000",
        "society",
        "How people live together: families, groups, equality, poverty, migration and welfare.",
    ),
    MediaTopic("medtop:15000000", "sport", "Contests of body and skill, those who compete and those who organise."),
    MediaTopic("medtop:17000000", "weather", "What the sky does and will do."),
)
"""All top classes, in IPTC's order of names."""

BY_ID: dict[str, MediaTopic] = {topic.id: topic for topic in TOP_TOPICS}
"""The same by id."""
