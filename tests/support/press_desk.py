"""What the desk does, and what the source shows."""

import re
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from support.feeds import Item, feed_page
from support.press_dispatch import PressDispatch
from support.press_facts import Release, Text
from support.press_room import BODY, TITLE, edition
from support.taking import poll

from mailer.core.errors import NotAllowed
from mailer.core.release import ReleaseDocument
from mailer.services import control, corrections, early, embargo, press, retry, scheduling
from mailer.services.press import Beside


class PressDesk(PressDispatch):
    """Who publishes."""

    def a_release_comes(
        self,
        room: str,
        languages: str,
        hours: int,
        embargo_hours: int,
        *,
        urgent: bool,
        let_go: bool,
    ) -> None:
        now = self.clock()
        name = f"urn:{next(self.fresh)}"
        texts = [self.fresh_text(language) for language in languages.split()]
        until = now + timedelta(hours=embargo_hours) if embargo_hours else None
        at = now + timedelta(hours=hours) if hours else None
        numbers = {
            press.add_document(
                self.office,
                ReleaseDocument(edition(one), identity=name, publish_at=at, embargo_until=until),
                newsroom=room,
                who="desk",
            ).id
            for one in texts
        }
        (number,) = numbers
        release = Release(number, room, texts=texts, publish_at=at, embargo=until)
        self.model.adds(release)
        if let_go:
            self.let_go(release, urgent=urgent)

    def let_go(self, release: Release, *, urgent: bool) -> None:
        press.send(self.office, release.number, who="desk", urgent=urgent)
        release.urgent = release.urgent or urgent
        if release.state == "held":
            release.state, release.approved_at = "approved", self.clock()
        release.expected = dict.fromkeys(release.expected, True)

    def the_desk_corrects(self, pick: int, language: str, silent: bool, looked: bool) -> None:
        release = self.one_of(pick)
        text = self.fresh_text(language)
        text.told, text.corrects = not silent, True
        with suppress(NotAllowed):
            corrections.correct(
                self.office,
                release.number,
                edition(text),
                note="A wrong day.",
                who="desk",
                silent=silent,
                patience=0,
            )
            self.model.writes(release, text)
            self.look(release, looked, language)

    def the_desk_withdraws(self, pick: int, looked: bool) -> None:
        release = self.one_of(pick)
        with suppress(NotAllowed):
            corrections.withdraw(self.office, release.number, reason="", who="desk", patience=0)
            self.model.withdraws(release)
            self.look(release, looked)

    def the_desk_moves_a_moment(self, pick: int, act: str, hours: int) -> None:
        release = self.one_of(pick, "approved", "held")
        until = self.clock() + timedelta(hours=hours)
        with suppress(NotAllowed):
            if act == "embargo":
                embargo.move(self.office, release.number, until, who="desk", patience=0)
                release.embargo = until
            elif act == "lift":
                embargo.lift(self.office, release.number, who="desk", patience=0)
                release.embargo = None
            elif act == "schedule":
                scheduling.schedule(self.office, release.number, until, who="desk")
                release.publish_at = until
            else:
                early.send_early(self.office, release.number, who="desk")
                release.early = True

    def the_desk_lets_go(self, pick: int, urgent: bool) -> None:
        with suppress(NotAllowed):
            self.let_go(self.one_of(pick, "held", "published"), urgent=urgent)

    def the_desk_translates(self, pick: int, let_go: bool) -> None:
        release = self.one_of(pick, "published", "approved", "held")
        missing = [one for one in ("da", "en") if one not in release.languages]
        if not missing:
            return
        text = self.fresh_text(missing[0])
        text.mailed = release.state != "published"
        with suppress(NotAllowed):
            press.add_document(
                self.office,
                ReleaseDocument(edition(text)),
                newsroom=release.room,
                who="desk",
                beside=Beside(translates=release.number),
            )
            self.model.writes(release, text)
            if let_go:
                self.let_go(release, urgent=False)

    def an_operator_acts(self, pick: int, act: str) -> None:
        release = self.one_of(pick)
        with suppress(NotAllowed):
            if act == "pause":
                control.pause(self.office, release.number, who="desk", patience=0)
            elif act == "resume":
                control.resume(self.office, release.number, who="desk")
            else:
                control.cancel(self.office, release.number, who="desk", patience=0)
            if act != "resume" and release.state == "approved":
                release.state = "held"
            elif act == "cancel" and release.state == "published":
                self.model.cancels(release)

    def an_operator_retries(self, refused: bool) -> None:
        retry.retry(self.office, who="desk", kinds=["deferred", "expired", *["refused"] * refused])

    # What the source shows.

    def the_source_shows(self, what: str, pick: int) -> None:
        known = len(self.items)
        if what != "new" and not known:
            return
        place = pick % known if known else 0
        if what == "new":
            text = self.fresh_text("da")
            item = Item(
                title=TITLE.format(text.token),
                body=BODY.format(text.token),
                guid=f"https://um.example/?p={text.token[1:-1]}",
                link=f"https://um.example/nyheder/{text.token[1:-1]}",
                at=self.clock(),
            )
            self.items.insert(0, (item, 0))
        else:
            item, number = self.items[place]
            if what == "edit":
                text = self.fresh_text("da")
                said = {"title": item.title, "body": item.body}
                words = {name: re.sub(r"q\d+q", text.token, one) for name, one in said.items()}
                item = replace(item, **words)  # type: ignore[arg-type] # as named
            elif what == "rename":
                name = f"p{next(self.fresh)}"
                item = replace(
                    item, guid=f"https://um.example/{name}", link=f"https://um.example/sag/{name}"
                )
            self.items[place] = (item, number)
        self.server.pages["/feed"] = feed_page([one for one, _ in self.items])
        done = poll(self.office)
        assert done.outcome in {"read", "unchanged"}, done
        if what == "new":
            self.a_new_item(text, seen=self.seeded)
        elif what == "edit":
            self.an_edited_item(self.model.releases[self.items[place][1]], text)

    def a_new_item(self, text: Text, *, seen: bool) -> None:
        (row,) = [one for one in press.listed(self.office) if text.token in one.edition.title]
        now = self.clock()
        release = Release(row.id, "um", texts=[text], made_at=now, source=True)
        if seen:
            release.state, release.approved_at = "approved", now
            release.publish_at = now + timedelta(minutes=10)
        else:  # kept for the pages
            release.state, release.published_at = "published", row.published_at or row.made_at
        self.model.adds(release)
        self.items[0] = (self.items[0][0], row.id)
        self.seeded = True

    def an_edited_item(self, release: Release, text: Text) -> None:
        """What was mailed changes on the pages alone; what was not is put off."""
        text.mailed = release.state != "published" and not release.early
        self.model.writes(release, text)
        if release.state == "approved":
            assert release.made_at is not None
            stands = self.clock() + timedelta(minutes=10)
            moment = min(stands, release.made_at + timedelta(minutes=60))
            release.publish_at = max(moment, release.publish_at or moment)
