"""The benchmarks' own sink counts what it took, however the octets arrive, and its pages keep their rest."""

import socket
from pathlib import Path

import fast_sink
import page
import pytest
import sink

CONTENT = b"Message-ID: <42.abc@example.org>\r\nSubject: x\r\n\r\nbody\r\n"
ENVELOPE = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"
SESSION = b"EHLO me\r\n" + (ENVELOPE + CONTENT + b".\r\n") * 2 + ENVELOPE + b".\r\nQUIT\r\n"


def talk(port: int, pieces: list[bytes]) -> bytes:
    """Everything the sink says to some octets, sent piece by piece."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            line.sendall(piece)
        return b"".join(iter(lambda: line.recv(65536), b""))


@pytest.mark.parametrize("size", [1, 3, 7, 10_000])
def test_it_takes_messages_however_they_are_cut(tmp_path: Path, size: int) -> None:
    record = tmp_path / "record"
    with sink.running(sink.Wish(record=record)) as target:
        pieces = [SESSION[at : at + size] for at in range(0, len(SESSION), size)]
        said = talk(target.port, pieces)
        assert target.taken() == 3
    assert said.count(b"354 ") == said.count(b"250 2.0.0 taken") == 3
    first, second, empty = fast_sink.arrivals(record)
    assert (first.delivery, first.octets) == (42, len(CONTENT))
    assert first.checksum == second.checksum != empty.checksum
    assert (empty.delivery, empty.octets) == (0, 0)
    assert first.begun <= first.taken <= second.taken


def test_it_offers_what_is_wished(tmp_path: Path) -> None:
    for wish, offered in ((sink.Wish(builtin=True), True), (sink.Wish(pipelining=False), False)):
        with sink.running(wish) as target:
            assert (b"PIPELINING" in talk(target.port, [b"EHLO me\r\n", b"QUIT\r\n"])) is offered
    with sink.running(sink.Wish(tls=True)) as target:
        assert sink.check_tls(target)


def test_a_dead_sink_stops_the_benchmark() -> None:
    with sink.running(sink.Wish(builtin=True)) as target:
        target.server.kill()
        target.server.wait()
        with pytest.raises(SystemExit, match="nothing was measured"):
            sink.require_life(target)


def test_a_section_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("before\n<!-- speed -->\nold\n<!-- end of speed -->\nafter\n")
    page.write_section(path, "speed", page.table(["a", "b"], [["x", "1"]]))
    text = path.read_text()
    assert text.startswith("before\n<!-- speed -->\n| a   |   b |\n| --- | --: |\n")
    assert text.endswith("| x   |   1 |\n<!-- end of speed -->\nafter\n")
    with pytest.raises(SystemExit, match="has no section"):
        page.write_section(path, "crash", "")
