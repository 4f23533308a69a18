"""The platform's first content: the same creators, agents, users and libraries at every start.

Everything comes from one seeded generator and fixed dates, so that two runs of a load test meet the
same store. This module knows the schema, not HTTP. Seeding takes about 0.1 s: it is part of every start.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from .database import Database, Row
from .graphs import INSERT_GRAPH
from .passwords import hash_password
from .seed_graphs import add_user_graphs, store_graph_row
from .settings import DEFAULT_CREDITS

SEED = 20250101
STORE_AGENTS = 500
CREATORS = 60
FEATURED_EVERY = 20  # agents: 25 featured of 500
FEATURED_CREATOR_EVERY = 5  # 12 featured of 60
LIBRARY_PER_CATEGORY = 3  # of each user: 15 agents, so that every search term finds some
FAVORITES = 5

# The users of the load tests. Their password is public: they own nothing but this throw-away database.
USER_EMAILS = tuple(f"loadtest{number}@example.com" for number in range(4, 51))
USER_PASSWORD = "loadtest-demo-password"

START = datetime(2025, 1, 1, tzinfo=UTC)

# Category -> the words its agents are described with. The load tests search for these terms.
TOPICS = {
    "AI": ("automation", "automation of routine work through language models and an API"),
    "PRODUCTIVITY": ("productivity", "productivity of teams: notes, calendars and task lists"),
    "COMMUNICATION": ("messaging", "messages, newsletters and replies, sent through an API"),
    "DATA": ("data analysis", "data analysis, tables and charts from your own sources"),
    "SOCIAL": ("social media", "social media posts, comments and campaigns"),
}
CATEGORIES = tuple(TOPICS)
KINDS = ("Assistant", "Planner", "Monitor", "Writer", "Summarizer", "Scheduler", "Researcher", "Reporter")
QUALITIES = ("Swift", "Careful", "Daily", "Quiet", "Bright", "Steady", "Clever", "Handy", "Patient", "Keen")
GIVEN_NAMES = (
    "Ada",
    "Alan",
    "Barbara",
    "Clarence",
    "Donald",
    "Edsger",
    "Frances",
    "Grace",
    "John",
    "Katherine",
)
FAMILY_NAMES = ("Bell", "Clarke", "Frost", "Lake", "Meadow", "Stone")


def user_id_of(email: str) -> str:
    """The id of a user of the load tests, the same in every process."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"mailto:{email}"))


def seed(database: Database, initial_credits: int = DEFAULT_CREDITS) -> None:
    """Create the schema and fill it; each user has so many credits."""
    random = Random(SEED)
    database.create_schema()
    with database.transaction():
        _add_creators(database, random)
        _add_store_agents(database, random)
        _summarize_creators(database)
        _add_users(database, random, initial_credits)
        _add_libraries(database, random)
        add_user_graphs(database, random, [user_id_of(email) for email in USER_EMAILS])


def _uuid(random: Random) -> str:
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


def _date(random: Random) -> str:
    return (START + timedelta(seconds=random.randrange(180 * 86_400))).isoformat(timespec="microseconds")


def _usernames() -> Iterator[tuple[str, str]]:
    for number in range(CREATORS):
        given = GIVEN_NAMES[number % len(GIVEN_NAMES)]
        family = FAMILY_NAMES[number // len(GIVEN_NAMES)]
        yield f"{given}-{family}".lower(), f"{given} {family}"


def _add_creators(database: Database, random: Random) -> None:
    rows = [
        (
            username,
            name,
            f"{name} builds agents for {random.choice(list(TOPICS.values()))[1]}.",
            f"https://images.example.com/creators/{username}.png",
            json.dumps([f"https://{username}.example.com"]),
            number % FEATURED_CREATOR_EVERY == 0,
        )
        for number, (username, name) in enumerate(_usernames())
    ]
    database.execute_many(
        "INSERT INTO creators (username, name, description, avatar_url, links, is_featured)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        rows,
    )


def _add_store_agents(database: Database, random: Random) -> None:
    usernames = [username for username, _ in _usernames()]
    for number in range(1, STORE_AGENTS + 1):
        _add_store_agent(database, random, number, usernames[number % CREATORS])


def _add_store_agent(database: Database, random: Random, number: int, creator: str) -> None:
    main, second = random.sample(CATEGORIES, 2)
    categories = [main, second] if number % 3 == 0 else [main]
    term, subject = TOPICS[main]
    name = f"{random.choice(QUALITIES)} {term.title()} {random.choice(KINDS)} {number}"
    slug = name.lower().replace(" ", "-")
    sub_heading = f"An agent for {term}"
    description = f"{name} takes care of {subject}. You say what you want, it reports what it did."
    graph_id = _uuid(random)
    updated_at = _date(random)
    database.execute(INSERT_GRAPH, store_graph_row(graph_id, name, description, updated_at))
    agent: Row = (
        number,
        _uuid(random),
        slug,
        creator,
        _uuid(random),
        graph_id,
        1,
        name,
        sub_heading,
        description,
        f"{name} {sub_heading} {description}".lower(),
        f"https://images.example.com/agents/{slug}.png",
        f"https://videos.example.com/agents/{slug}.mp4",
        json.dumps(categories),
        random.randrange(10_000),
        round(random.uniform(2.5, 5.0), 1),
        number % FEATURED_EVERY == 0,
        updated_at,
    )
    database.execute(f"INSERT INTO store_agents VALUES ({', '.join('?' * len(agent))})", agent)
    database.execute_many(
        "INSERT INTO store_agent_categories VALUES (?, ?)", [(category, number) for category in categories]
    )


def _summarize_creators(database: Database) -> None:
    database.execute(
        "UPDATE creators SET"
        " num_agents = (SELECT count(*) FROM store_agents WHERE creator = username),"
        " agent_runs = (SELECT sum(runs) FROM store_agents WHERE creator = username),"
        " agent_rating = (SELECT round(avg(rating), 2) FROM store_agents WHERE creator = username),"
        " top_categories = (SELECT json_group_array(category) FROM ("
        "   SELECT category FROM store_agents JOIN store_agent_categories ON agent = number"
        "   WHERE creator = username GROUP BY category ORDER BY count(*) DESC, category LIMIT 3))"
    )


def _add_users(database: Database, random: Random, initial_credits: int) -> None:
    rows = []
    for email in USER_EMAILS:
        salt = random.randbytes(16)
        name = email.partition("@")[0]
        created_at = _date(random)
        metadata = json.dumps({"name": name})
        hashed = hash_password(USER_PASSWORD, salt)
        rows.append(
            (user_id_of(email), email, name, salt, hashed, created_at, created_at, metadata, initial_credits)
        )
    database.execute_many(
        "INSERT INTO users (id, email, name, password_salt, password_hash, created_at, email_confirmed_at,"
        " user_metadata, credits) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def _add_libraries(database: Database, random: Random) -> None:
    by_category = {
        category: [
            number
            for (number,) in database.rows(
                "SELECT number FROM store_agents WHERE json_extract(categories, '$[0]') = ? ORDER BY number",
                (category,),
            )
        ]
        for category in CATEGORIES
    }
    rows = []
    for (user_id,) in database.rows("SELECT id FROM users ORDER BY email"):
        chosen = [n for numbers in by_category.values() for n in random.sample(numbers, LIBRARY_PER_CATEGORY)]
        random.shuffle(chosen)
        for position, number in enumerate(chosen):
            added_at = _date(random)
            rows.append((_uuid(random), user_id, position < FAVORITES, added_at, added_at, number))
    database.execute_many(
        "INSERT INTO library_agents (id, user_id, graph_id, graph_version, creator_name, creator_image_url,"
        " image_url, is_favorite, created_at, updated_at)"
        " SELECT ?, ?, graph_id, graph_version, creators.name, avatar_url, image_url, ?, ?, ?"
        " FROM store_agents JOIN creators ON creator = username WHERE number = ?",
        rows,
    )
