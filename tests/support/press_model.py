"""Who should have what of a press office, worked out anew from the history of what was done to it.

The model is told each act (a release let go, a choice made, an hour passed, a letter that a relay took) and
says at once what is wrong with it; `missing` says in the end who lacks what. Texts are told apart by a token
in their titles.
"""

from datetime import datetime

from support.press_facts import Bond, Release
from support.press_history import PressHistory


class PressModel(PressHistory):
    """Everything that was done, and what may leave for it."""

    def hands_out(self, kind: str, mailbox: str, tokens: set[str], now: datetime) -> None:
        """A letter is handed out for sending: whether it may, and whether it says the newest there is."""
        found = {self.tokens[token].number: self.tokens[token] for token in tokens}
        assert found, f"a mail to {mailbox} without anything in it"
        here = [self.bond(mailbox, one.room) for one in found.values()]
        assert any(bond.active for bond in here), f"{mailbox} is no reader"
        for release in found.values():
            bond = self.bond(mailbox, release.room)
            theirs = {one for one in tokens if self.tokens[one] is release}
            check = getattr(self, f"_hands_out_{kind}")
            check(bond, release, theirs, now)
            early = release.moment is not None and release.moment > now
            assert not early or (release.early and bond.accredited), f"{release.number} left early"
            assert (
                early
                or release.published_at
                or kind in {"early", "embargo", "correction", "withdrawal"}
            )

    def _hands_out_release(
        self, bond: Bond, release: Release, tokens: set[str], now: datetime
    ) -> None:
        assert bond.active
        assert release.state == "published", f"{release.number} is {release.state}"
        (token,) = tokens
        language = release.text(token).language
        assert token == release.newest(language, mailed=True).token, f"{token} leaves of {release}"
        owed = language in bond.owed[release.number] or release.number in bond.loose
        assert owed, f"{bond.mailbox}: not in {language}"
        self._has_none(bond, release, language)

    def _hands_out_digest(
        self, bond: Bond, release: Release, tokens: set[str], now: datetime
    ) -> None:
        assert release.state == "published", f"{release.number} is {release.state}"
        waits = bond.waits[release.number]
        loose = release.number in bond.loose
        assert waits or loose, f"{bond.mailbox} did not want {release.number} so"
        languages = [release.text(token).language for token in tokens]
        assert len(set(languages)) == len(languages), f"{tokens}: one language twice"
        for token in tokens if release.number not in bond.excused else ():
            got = bond.got[release.number].may
            may = got.union(*(one.tokens for one in waits))
            assert loose or token in may, f"{bond.mailbox}: {token} of {waits}"
            besides = "correction" if token in got else ""
            self._has_none(bond, release, release.text(token).language, besides)

    def _hands_out_early(
        self, bond: Bond, release: Release, tokens: set[str], now: datetime
    ) -> None:
        assert bond.active
        assert bond.accredited
        assert release.state != "withdrawn"
        assert release.embargo, "no embargo keeps it"
        assert release.embargo > now, "its embargo is over"
        for token in tokens if release.state != "published" else ():
            language = release.text(token).language
            assert token == release.newest(language, mailed=True).token

    def _hands_out_correction(
        self, bond: Bond, release: Release, tokens: set[str], now: datetime
    ) -> None:
        assert bond.active
        assert release.state != "withdrawn"
        newest = [
            t for t in tokens if t == release.newest(release.text(t).language, mailed=True).token
        ]
        assert newest, "a correction with an old text"
        self._is_for_holders(bond, release, {one for one in tokens if one not in newest})

    def _hands_out_withdrawal(
        self, bond: Bond, release: Release, tokens: set[str], now: datetime
    ) -> None:
        assert bond.active
        assert release.state == "withdrawn"
        self._is_for_holders(bond, release, tokens)

    def _hands_out_embargo(
        self, bond: Bond, release: Release, tokens: set[str], now: datetime
    ) -> None:
        assert bond.active
        self._is_for_holders(bond, release, set())

    def _is_for_holders(self, bond: Bond, release: Release, tokens: set[str]) -> None:
        may = bond.got[release.number].may
        assert may, f"{bond.mailbox} is told of {release.number} and holds nothing of it"

    def _has_none(self, bond: Bond, release: Release, language: str, besides: str = "") -> None:
        """Nothing of it has arrived, but what nobody knows of, or another language that they wanted too.

        Args:
            besides: what may be there before a digest in doubt is sent again.
        """
        for letter, (kind, tokens) in bond.got[release.number].copies.items():
            if kind in {"early", "embargo", besides} or letter in self.doubted:
                continue
            spoken = {release.text(one).language for one in tokens}
            further = release.number not in bond.either and language not in spoken
            assert further, f"more in {language}: {self._story(bond, release)}"

    def _story(self, bond: Bond, release: Release) -> str:
        doubted = self.doubted & bond.got[release.number].copies.keys()
        return f"{bond.got[release.number]}, doubted {doubted}, of {release} to {bond}"

    def arrives(self, letter: int, kind: str, bond_of: dict[int, Bond], tokens: set[str]) -> None:
        """A relay took a letter.

        Args:
            bond_of: whom it was for as it was handed out, by release.
        """
        assert not self.arrived[letter] or letter in self.doubted, f"{letter} came twice"
        self.arrived[letter] += 1
        for number, bond in bond_of.items():
            theirs = frozenset(one for one in tokens if self.tokens[one].number == number)
            got = bond.got[number]
            if kind in {"release", "digest"}:
                for token in theirs:
                    self._no_other(bond, number, letter, token)
            if kind in {"correction", "withdrawal"} and letter not in got.copies:
                alike = [o for o, held in got.copies.items() if held == (kind, theirs)]
                assert all(one in self.doubted for one in alike), (
                    f"{letter} tells it once more: {self._story(bond, self.releases[number])}"
                )
            got.copies[letter] = (kind, theirs)
            got.may |= theirs
            for wait in bond.waits[number] if kind == "digest" else ():
                wait.done = wait.done or bool(wait.tokens & theirs)

    def _no_other(self, bond: Bond, number: int, letter: int, token: str) -> None:
        """In whatever form it is sent, it is sent once; a notice may be there before what is tried again."""
        release = self.releases[number]
        before = {"early", "embargo"} | ({"correction"} if letter in self.doubted else set())
        for other, (kind, tokens) in bond.got[number].copies.items():
            if other == letter or kind in before or other in self.doubted:
                continue
            spoken = {release.text(one).language for one in tokens}
            further = release.text(token).language not in spoken
            assert further, f"{letter} with {token} is one more: {self._story(bond, release)}"

    def doubts(self, letter: int, bond_of: dict[int, Bond], tokens: set[str]) -> None:
        """Nobody knows whether a letter left."""
        self.doubted.add(letter)
        for number, bond in bond_of.items():
            bond.got[number].may |= {one for one in tokens if self.tokens[one].number == number}
            for wait in bond.waits[number]:  # what else lies in it may come in another one
                wait.done = False
