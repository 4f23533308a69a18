"""Fixtures with one value per virtual user, and the shared ones beside them.

The load tests that run here assert what a user must find; each file's ordinary last test asserts what
was left behind.
"""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Project

CONFTEST = """
@pytest.fixture(scope="session")
def log():
    return []
"""

# sentence, number of tests that pass, source
ALL_PASS = [
    (
        "a fixture that depends on vu has a value of each user's own",
        2,
        """
        SEEN = set()

        @pytest.fixture
        def basket(vu):
            return [vu.id]

        @pytest.mark.load(vus=3, iterations_per_vu=2)
        async def test_load(vu, basket):
            assert basket[0] == vu.id
            basket.append("an item")
            assert len(basket) == vu.iteration + 2
            SEEN.add(id(basket))

        def test_after():
            assert len(SEEN) == 3
        """,
    ),
    (
        "a sync fixture may hand the HTTP client on to an async test",
        1,
        """
        @pytest.fixture
        def signed_in(http, vu):
            http.headers["x-user"] = str(vu.id)
            return http

        @pytest.mark.load(vus=2, iterations_per_vu=1)
        async def test_load(signed_in, http):
            assert signed_in is http
            assert (await signed_in.get("/")).status_code == 200
        """,
    ),
    (
        "being per user spreads through sync, async and generator fixtures alike",
        1,
        """
        @pytest.fixture
        def plain(vu):
            return f"plain {vu.id}"

        @pytest.fixture
        async def waiting(plain):
            return f"waiting {plain}"

        @pytest.fixture
        def generator(waiting):
            yield f"generator {waiting}"

        @pytest.fixture
        async def async_generator(generator):
            yield f"async {generator}"

        @pytest.mark.load(vus=3, iterations_per_vu=2)
        async def test_load(vu, async_generator):
            assert async_generator == f"async generator waiting plain {vu.id}"
        """,
    ),
    (
        "fixtures that depend on no user are set up once, outside of every user",
        2,
        """
        @pytest.fixture
        def once(log):
            log.append("up")
            yield object()
            log.append("down")

        @pytest.fixture
        async def once_async(log):
            log.append("async up")
            yield object()
            log.append("async down")

        @pytest.fixture
        def both(once, once_async, vu):
            return once, once_async

        @pytest.mark.load(vus=3, iterations_per_vu=2)
        async def test_load(once, once_async, both, vu):
            assert both == (once, once_async)

        def test_after(log):
            assert log == ["up", "async up", "async down", "down"]
        """,
    ),
    (
        "each user's fixtures are torn down in reverse order, after its last iteration, before shared ones",
        2,
        """
        @pytest.fixture
        def shared(log):
            yield
            log.append("shared down")

        @pytest.fixture
        def first(vu, shared, log):
            yield
            log.append((vu.id, "first down", vu.iteration))

        @pytest.fixture
        async def second(first, vu, log):
            yield
            log.append((vu.id, "second down", vu.iteration))

        @pytest.fixture
        def third(second, vu, log):
            yield
            log.append((vu.id, "third down", vu.iteration))

        @pytest.mark.load(vus=2, iterations_per_vu=3)
        async def test_load(third):
            pass

        def test_after(log):
            assert log.pop() == "shared down"
            for user in (1, 2):
                down = ["third down", "second down", "first down"]
                assert [entry for entry in log if entry[0] == user] == [(user, what, 3) for what in down]
        """,
    ),
    (
        "users are set up in pytest's order: autouse fixtures, usefixtures, then arguments",
        2,
        """
        @pytest.fixture
        def argument(vu, log):
            log.append("argument")

        @pytest.fixture
        def used(vu, log):
            log.append("used")

        class TestShop:
            @pytest.fixture(autouse=True)
            def automatic(self, vu, log):
                log.append("autouse")

            @pytest.mark.usefixtures("used")
            @pytest.mark.load(iterations=1)
            async def test_load(self, argument):
                pass

        def test_after(log):
            assert log[:3] == ["autouse", "used", "argument"]
        """,
    ),
    (
        "an override that takes the fixture it replaces gets this user's value of it",
        1,
        """
        @pytest.fixture
        async def token(vu):
            return f"token {vu.id}"

        class TestOverride:
            @pytest.fixture
            def token(self, token, vu):
                return f"{token} over {vu.id}"

            @pytest.mark.load(vus=3, iterations_per_vu=1)
            async def test_load(self, vu, token):
                assert token == f"token {vu.id} over {vu.id}"
        """,
    ),
    (
        "a parametrized per-user fixture makes a load test for each parameter",
        3,
        """
        @pytest.fixture(params=["a", "b"])
        def kind(request, vu, log):
            log.append((request.param, vu.id))
            return request.param

        @pytest.mark.load(vus=2, iterations_per_vu=1)
        async def test_load(kind, request):
            assert request.node.callspec.params["kind"] == kind

        def test_after(log):
            assert sorted(log) == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
        """,
    ),
    (
        "indirect parameters reach per-user fixtures",
        2,
        """
        @pytest.fixture
        async def shop(request, vu):
            return f"{request.param} {vu.id}"

        @pytest.mark.parametrize("shop", ["tea", "milk"], indirect=True)
        @pytest.mark.load(vus=2, iterations_per_vu=1)
        async def test_load(shop, vu, request):
            assert shop == f"{request.node.callspec.params['shop']} {vu.id}"
        """,
    ),
    (
        "a direct parameter replaces a per-user fixture, and is the same for all users",
        2,
        """
        @pytest.fixture
        def token(vu):
            raise AssertionError("replaced")

        @pytest.mark.parametrize("token", ["one", "two"])
        @pytest.mark.load(vus=2, iterations_per_vu=1)
        async def test_load(token, request):
            assert request.node.name == f"test_load[{token}]"
        """,
    ),
    (
        "usefixtures sets a per-user fixture up and tears it down for each user",
        2,
        """
        @pytest.fixture
        def signed_in(vu, log):
            vu.state.signed_in = True
            yield
            log.append(vu.id)

        @pytest.mark.usefixtures("signed_in")
        @pytest.mark.load(vus=3, iterations_per_vu=1)
        async def test_load(vu):
            assert vu.state.signed_in

        def test_after(log):
            assert sorted(log) == [1, 2, 3]
        """,
    ),
    (
        "each user has a copy of the test class's instance, on which per-user fixtures work too",
        2,
        """
        @pytest.mark.load(vus=3, iterations_per_vu=4)
        class TestShop:
            @pytest.fixture(autouse=True)
            def shared(self):
                self.everybody = set()

            @pytest.fixture(autouse=True)
            async def mine(self, vu):
                self.count, self.user = 0, vu.id
                yield
                assert (self.count, self.user) == (4, vu.id)
                assert self.everybody == {1, 2, 3}

            async def test_async(self, vu):
                assert self.user == vu.id and self.count == vu.iteration
                self.count += 1
                self.everybody.add(vu.id)
                await vu.think(0.01)

            def test_sync(self, vu):
                assert self.user == vu.id and self.count == vu.iteration
                self.count += 1
                self.everybody.add(vu.id)
                vu.think(0.01)
        """,
    ),
    (
        "static methods and class methods are load tests as well",
        2,
        """
        @pytest.mark.load(vus=2, iterations_per_vu=2)
        class TestShop:
            @staticmethod
            async def test_static(vu):
                assert vu.id in (1, 2)

            @classmethod
            def test_class(cls, vu):
                assert cls is TestShop
        """,
    ),
    (
        "a user's state, random numbers and identity are its own and the same in fixtures and body",
        2,
        """
        @pytest.fixture
        def mine(vu):
            vu.state.draws = [vu.random.random()]
            return vu

        @pytest.mark.load(vus=3, iterations_per_vu=2, seed=7)
        async def test_load(vu, mine, log):
            assert vu is mine
            vu.state.draws.append(vu.random.random())
            if vu.iteration == 1:
                log.append(tuple(vu.state.draws))

        def test_after(log):
            assert [len(set(draws)) for draws in log] == [3, 3, 3]
            assert len(set(log)) == 3
        """,
    ),
    (
        "finalizers that a per-user fixture adds to its request all run, when the test is torn down",
        2,
        """
        @pytest.fixture
        def file(request, vu, log):
            request.addfinalizer(lambda: log.append(vu.id))

        @pytest.mark.load(vus=2, iterations_per_vu=1)
        async def test_load(file, log):
            assert log == []

        def test_after(log):
            assert sorted(log) == [1, 2]
        """,
    ),
    (
        "a task group of a per-user fixture, or of a shared one, may stay open around the load",
        2,
        """
        import asyncio

        @pytest.fixture
        async def shared_group():
            async with asyncio.TaskGroup() as group:
                yield group

        @pytest.fixture
        async def own_group(vu):
            async with asyncio.TaskGroup() as group:
                yield group

        @pytest.mark.load(vus=2, iterations_per_vu=2)
        async def test_load(own_group, shared_group, log):
            await own_group.create_task(asyncio.sleep(0))
            await shared_group.create_task(asyncio.sleep(0))
            log.append("done")

        def test_after(log):
            assert log == ["done"] * 4
        """,
    ),
    (
        "a wider async fixture is set up once for all load tests, on the loop they run on",
        3,
        """
        import asyncio

        @pytest.fixture(scope="module")
        async def database(log):
            log.append("up")
            yield asyncio.get_running_loop()
            log.append("down")

        @pytest.mark.load(vus=2, iterations_per_vu=1)
        async def test_async(database):
            assert database is asyncio.get_running_loop()

        @pytest.mark.load(vus=2, iterations_per_vu=1)
        def test_sync(database):
            assert database is asyncio.get_running_loop()

        def test_after(log):
            assert log == ["up"]
        """,
    ),
    (
        "a fixture may choose a per-user fixture by name, if it only passes it on",
        2,
        """
        @pytest.fixture(params=["red", "blue"])
        def color(request):
            return request.getfixturevalue(request.param)

        @pytest.fixture
        def red(vu):
            return f"red {vu.id}"

        @pytest.fixture
        async def blue(vu):
            return f"blue {vu.id}"

        @pytest.mark.load(vus=2, iterations_per_vu=1)
        async def test_load(color, vu, request):
            assert color == f"{request.node.callspec.params['color']} {vu.id}"
        """,
    ),
    (
        "sync bodies and sync fixtures get a client without await, the same one",
        1,
        """
        @pytest.fixture
        def home(http, vu):
            http.headers["X-User"] = str(vu.id)
            assert http.get("/in-fixture").status_code == 200
            yield http
            assert http.get("/in-tear-down").json() == {"ok": True}

        @pytest.mark.load(vus=2, iterations_per_vu=2)
        def test_load(http, home, vu):
            assert http is home
            answer = http.post("/echo", json={"user": vu.id})
            assert answer.json()["headers"]["x-user"] == str(vu.id)
            vu.think(0.001)
        """,
    ),
    (
        "sync fixtures of async bodies, and async fixtures of sync bodies, each get the client they can use",
        2,
        """
        @pytest.fixture
        def sync_page(http):
            return http.get("/sync").status_code

        @pytest.fixture
        async def async_page(http):
            return (await http.get("/async")).status_code

        @pytest.mark.load(vus=2, iterations_per_vu=1)
        async def test_async(sync_page, async_page, http):
            assert (sync_page, async_page, (await http.get("/")).status_code) == (200, 200, 200)

        @pytest.mark.load(vus=2, iterations_per_vu=1)
        def test_sync(sync_page, async_page, http):
            assert (sync_page, async_page, http.get("/").status_code) == (200, 200, 200)
        """,
    ),
]


@pytest.mark.parametrize(("passing", "source"), [pytest.param(*row[1:], id=row[0]) for row in ALL_PASS])
def test_all_pass(project: Project, passing: int, source: str) -> None:
    project.write(CONFTEST, "conftest.py")
    project.write(source)
    project.run("-W", "error").assert_outcomes(passed=passing)


def test_a_conftest_overrides_a_fixture_and_calls_the_one_it_replaces(project: Project) -> None:
    project.write(
        """
        @pytest.fixture
        async def token(vu):
            return f"token {vu.id}"
        """,
        "conftest.py",
    )
    project.write(
        """
        @pytest.fixture
        async def token(token, vu):
            return f"{token} of the shop, {vu.id}"
        """,
        "shop/conftest.py",
    )
    project.write(
        """
        @pytest.mark.load(vus=2, iterations_per_vu=1)
        def test_shop(token, vu):
            assert token == f"token {vu.id} of the shop, {vu.id}"
        """,
        "shop/test_shop.py",
    )
    project.write(
        """
        @pytest.mark.load(vus=2, iterations_per_vu=1)
        def test_root(token, vu):
            assert token == f"token {vu.id}"
        """
    )
    project.run().assert_outcomes(passed=2)


def test_the_projects_own_http_fixture_replaces_ours_and_calls_it(project: Project) -> None:
    project.write(
        """
        @pytest.fixture
        async def http(http, vu):
            http.headers["X-User"] = str(vu.id)
            yield http
            http.headers["X-User"] = "nobody"
        """,
        "conftest.py",
    )
    project.write(
        """
        @pytest.mark.load(vus=2, iterations_per_vu=1)
        async def test_load(http):
            await http.get("/")
        """
    )
    project.run().assert_outcomes(passed=1)
    assert sorted(seen.headers["x-user"] for seen in project.target.requests) == ["1", "2"]


# sentence, source, outcome, lines of the output
MISUSES = [
    (
        "a wider fixture that depends on a user is pytest's own scope mismatch",
        """
        @pytest.fixture(scope="module")
        def shop(http):
            return http

        @pytest.mark.load(iterations=1)
        async def test_load(shop):
            pass
        """,
        {"errors": 1},
        ["*ScopeMismatch*function scoped fixture http*"],
    ),
    (
        "a value asked for by name at run time is a stand-in, and says so when it is used",
        """
        @pytest.fixture
        def page(request):
            return request.getfixturevalue("http").get("/")

        @pytest.mark.load(iterations=1)
        async def test_load(page):
            pass
        """,
        {"errors": 1},
        [
            "*UsageError: fixture 'http' has one value per virtual user: http.get cannot be used in code *",
        ],
    ),
    (
        "a stand-in cannot be iterated, indexed, entered or called either",
        """
        @pytest.fixture(params=["iter(value)", "value['a']", "value()", "len(value)",
                                "value.x", "setattr(value, 'x', 1)", "bool(value)", "value.__enter__()"])
        def used(request):
            eval(request.param, {"value": request.getfixturevalue("vu")})

        @pytest.mark.load(iterations=1)
        async def test_load(used):
            pass
        """,
        {"errors": 8},
        ["*UsageError: fixture 'vu' has one value per virtual user: vu* cannot be used*"] * 8,
    ),
    (
        "a test that is no load test is told what vu needs",
        """
        def test_plain(http):
            pass
        """,
        {"errors": 1},
        ["the fixture 'vu' (and 'http', which uses it) needs a load test: @pytest.mark.load(...)"],
    ),
    (
        "a per-user fixture that yields twice fails the test and names itself",
        """
        @pytest.fixture
        def twice(vu):
            yield 1
            yield 2

        @pytest.mark.load(iterations=1)
        async def test_load(twice):
            pass
        """,
        {"failed": 1},
        ["*tear-down failed for 1 virtual user*UsageError: fixture 'twice' yields more than once*"],
    ),
    (
        "a per-user generator fixture that never yields fails before any load, and names itself",
        """
        @pytest.fixture
        def never(vu):
            return
            yield

        @pytest.mark.load(iterations=1)
        async def test_load(never, http):
            await http.get("/")
        """,
        {"failed": 1},
        ["*fixture 'never' did not yield a value*"],
    ),
    (
        "a shared async fixture that never yields is an error that names it",
        """
        @pytest.fixture
        async def never():
            if False:
                yield

        @pytest.mark.load(iterations=1)
        async def test_load(never):
            pass
        """,
        {"errors": 1},
        ["*fixture 'never' did not yield a value*"],
    ),
]


@pytest.mark.parametrize(
    ("source", "outcome", "lines"), [pytest.param(*row[1:], id=row[0]) for row in MISUSES]
)
def test_misuse(project: Project, source: str, outcome: dict[str, int], lines: list[str]) -> None:
    project.write(source)
    result = project.run("-W", "error")
    result.assert_outcomes(**outcome)
    result.stdout.fnmatch_lines(lines)
    assert project.target.requests == []
