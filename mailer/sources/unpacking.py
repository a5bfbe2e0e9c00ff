"""Unpacks what a server packed, as it comes and never beyond a bound: a bomb costs us nothing.

Gzip may come in several members; "deflate" is zlib's form (RFC 9110 section 8.4.1.2), though some servers
send it bare.
"""

import zlib

_GZIP, _ZLIB, _BARE = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS


class TooLarge(Exception):
    """More came out than the bound allows."""


class Broken(Exception):
    """What came is not packed as was said, or breaks off."""


class UnknownPacking(Exception):
    """Packed in a way that nobody asked for; the text names it."""


class Unpacker:
    """Takes octets as they come and keeps what they unpack to.

    Args:
        packing: the Content-Encoding field; empty for none.
        bound: so many octets may come out.

    Raises:
        UnknownPacking: we do not speak it.
    """

    def __init__(self, packing: str, bound: int) -> None:
        self._packing = packing.strip().lower()
        if self._packing not in {"", "identity", "gzip", "x-gzip", "deflate"}:
            raise UnknownPacking(self._packing)
        self._bound = bound
        self._out = bytearray()
        self._begun = False
        self._inner = self._fresh()

    def feed(self, octets: bytes) -> None:
        """Take what came.

        Raises:
            TooLarge: more than the bound came out.
            Broken: it is not what was said.
        """
        if self._inner is None:
            self._keep(octets)
            return
        while octets:
            octets = self._unpack(octets)

    def whole(self) -> bytes:
        """All that came out, once nothing more comes.

        Raises:
            Broken: it breaks off.
        """
        if self._inner is not None and self._begun and not self._inner.eof:
            raise Broken("the packed answer breaks off")
        return bytes(self._out)

    def _fresh(self) -> "zlib._Decompress | None":
        if self._packing in {"", "identity"}:
            return None
        return zlib.decompressobj(_ZLIB if self._packing == "deflate" else _GZIP)

    def _unpack(self, octets: bytes) -> bytes:
        """One step; what is left to unpack."""
        assert self._inner is not None
        if self._inner.eof:  # another member follows, or padding, which is nothing
            if not octets.strip(b"\0"):
                return b""
            self._inner = self._fresh()
            assert self._inner is not None
        try:
            self._keep(self._inner.decompress(octets, self._bound + 1 - len(self._out)))
        except zlib.error as error:
            if self._packing == "deflate" and not self._begun:
                self._begun = True
                self._inner = zlib.decompressobj(_BARE)
                return octets
            raise Broken("the answer is not packed as it says") from error
        self._begun = True
        return self._inner.unconsumed_tail or self._inner.unused_data

    def _keep(self, octets: bytes) -> None:
        self._out += octets
        if len(self._out) > self._bound:
            raise TooLarge
