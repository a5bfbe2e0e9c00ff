"""A loop whose clock stands still until a test puts it forward: patience is proven without waiting."""

import asyncio


class SteppedLoop(asyncio.SelectorEventLoop):
    """For `asyncio.Runner(loop_factory=SteppedLoop)`."""

    def __init__(self) -> None:
        self._now = 1_000.0
        super().__init__()

    def time(self) -> float:
        return self._now

    async def step(self, seconds: float) -> None:
        """Put the clock forward, and let everything happen that is due by then."""
        self._now += seconds
        for _ in range(20):
            await asyncio.sleep(0)


def stepped() -> SteppedLoop:
    """The running loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SteppedLoop)
    return loop
