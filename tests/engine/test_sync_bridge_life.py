"""The greenlet behind sync code: what is misuse, when it ends, and what it keeps alive."""

from __future__ import annotations

import asyncio
import gc
import weakref

import greenlet
import pytest

from pytest_loadtest.engine.sync_bridge import SyncBody, await_only
from pytest_loadtest.errors import MisuseError
from tests.engine.sync_calls import as_coroutine, call, drive, later


class TestMisuse:
    def test_await_only_outside_of_a_virtual_user(self, recwarn: pytest.WarningsRecorder) -> None:
        with pytest.raises(MisuseError, match="sync test body"):
            await_only(later(1))
        gc.collect()
        assert not recwarn.list  # the coroutine is closed, not forgotten

    def test_await_only_in_async_code(self) -> None:
        async def main() -> None:
            with pytest.raises(MisuseError):
                await_only(later(1))
            future = asyncio.get_running_loop().create_future()
            with pytest.raises(MisuseError):
                await_only(future)
            assert not future.done()

        drive(main)

    def test_await_only_in_a_greenlet_of_somebody_else(self) -> None:
        def function() -> None:
            greenlet.greenlet(lambda: await_only(later(1))).switch()

        with pytest.raises(MisuseError):
            call(function)

    def test_two_calls_at_once(self) -> None:
        async def main() -> None:
            body = SyncBody()
            first = asyncio.ensure_future(as_coroutine(body(lambda: await_only(later(1)))))
            await asyncio.sleep(0)
            with pytest.raises(MisuseError, match="twice at once"):
                await body(lambda: None)
            with pytest.raises(MisuseError, match="still running"):
                body.close()
            assert await first == 1
            body.close()

        drive(main)

    def test_a_call_of_itself(self) -> None:
        async def main() -> None:
            body = SyncBody()

            async def again() -> None:
                await body(lambda: None)

            with pytest.raises(MisuseError, match="twice at once"):
                await body(lambda: await_only(again()))
            body.close()

        drive(main)


class TestLife:
    def test_closing_an_unused_or_a_closed_one(self) -> None:
        body = SyncBody()
        body.close()
        body.close()

    def test_a_closed_one_makes_a_new_greenlet(self) -> None:
        async def main() -> None:
            body = SyncBody()
            first = await body(greenlet.getcurrent)
            body.close()
            assert await body(greenlet.getcurrent) is not first
            body.close()

        drive(main)

    def test_closing_comes_back_to_whoever_closes(self) -> None:
        async def main() -> None:
            body = SyncBody()
            await body(lambda: None)
            log: list[str] = []

            def close() -> None:
                body.close()
                log.append("back")

            closer = greenlet.greenlet(close)
            closer.switch()
            assert log == ["back"]
            assert closer.dead

        drive(main)

    def test_a_waiting_greenlet_keeps_nothing_alive(self) -> None:
        class Thing:
            pass

        def function(given: Thing) -> Thing:
            return Thing()

        def failing(given: Thing) -> None:
            raise ValueError(given)

        async def main() -> None:
            body = SyncBody()
            given = Thing()
            result = await body(function, given)
            references = [weakref.ref(given), weakref.ref(result)]
            del given, result
            assert [reference() for reference in references] == [None, None]
            given = Thing()
            gc.disable()  # no cycle may be needed to be found
            try:
                with pytest.raises(ValueError, match="Thing") as caught:
                    await body(failing, given)
                reference = weakref.ref(given)
                caught.value.__traceback__ = None
                del given, caught
                assert reference() is None
            finally:
                gc.enable()
            body.close()

        drive(main)

    def test_a_cancelled_call_leaves_no_cycle(self) -> None:
        async def main() -> None:
            body = SyncBody()
            task = asyncio.ensure_future(as_coroutine(body(lambda: await_only(asyncio.sleep(8)))))
            await asyncio.sleep(1)
            gc.collect()
            gc.disable()
            try:
                task.cancel()
                await asyncio.wait([task])
                try:
                    task.result()
                except asyncio.CancelledError as error:
                    reference = weakref.ref(error)
                del task
                await asyncio.sleep(0)
                assert reference() is None
            finally:
                gc.enable()
            body.close()

        drive(main)

    def test_a_coroutine_that_is_thrown_away_ends_the_code_that_ran_in_it(self) -> None:
        events: list[str] = []

        def function() -> None:
            try:
                await_only(asyncio.sleep(8))
            finally:
                events.append("ended")

        body = SyncBody()

        async def main() -> None:
            coroutine = as_coroutine(body(function))
            coroutine.send(None).cancel()
            coroutine.close()
            assert events == ["ended"]
            assert await body(lambda: 1) == 1
            body.close()

        drive(main)

    @pytest.mark.parametrize("error", [greenlet.GreenletExit, GeneratorExit, KeyboardInterrupt, SystemExit])
    def test_exceptions_that_mean_something_to_the_machinery_pass_through(
        self, error: type[BaseException]
    ) -> None:
        async def main() -> None:
            body = SyncBody()

            def function() -> None:
                await_only(asyncio.sleep(1))
                raise error

            with pytest.raises(error):
                await body(function)
            assert await body(lambda: 1) == 1
            body.close()

        drive(main)
