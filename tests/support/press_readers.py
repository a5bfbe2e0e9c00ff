"""What readers do: choose, leave, come back, sign up and move."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from support import moving
from support.choosing import ask_link, manage_token
from support.digesting import choose
from support.press_acts import ROOMS
from support.press_desk import PressDesk
from support.press_facts import Choice
from support.readers import PAGE, confirm_token, leave_token, rejoin_token, sign_up

from mailer.core.errors import NotAllowed, TryLater
from mailer.services import confirmation, leaving, rejoining
from mailer.store.tables import manage_link, request


class PressReaders(PressDesk):
    """Who reads."""

    def a_reader_chooses(self, mailbox: str, room: str, **changes: Any) -> None:
        bond = self.model.bond(mailbox, room)
        if not bond.active:
            return
        if pause := changes.pop("pause", None):
            changes["paused_until"] = self.clock() + timedelta(hours=pause)
        choose(self.office, mailbox, newsroom=ROOMS[room], **changes)
        self.model.chooses(bond, self.clock(), replace(bond.choice, **changes))

    def a_reader_leaves(self, mailbox: str, room: str) -> None:
        bond = self.model.bond(mailbox, room)
        if bond.active:
            token = leave_token(self.office, self.number_of(bond))
            leaving.leave(self.office, token=token, origin=PAGE)
            self.model.leaves(bond)
            self.left[bond] = self.clock()

    def a_reader_thinks_better_of_it(self, mailbox: str, room: str) -> None:
        bond = self.model.bond(mailbox, room)
        since = self.left.get(bond)
        if bond.active or since is None or self.clock() - since > timedelta(days=6):
            return
        token = rejoin_token(self.office, self.number_of(bond))
        view = rejoining.rejoin(self.office, token=token, language="da", origin=PAGE)
        if view.state == "active":
            self.model.joins(bond, self.clock())

    def a_reader_signs_up(self, mailbox: str, room: str, language: str, confirms: bool) -> None:
        bond = self.model.bond(mailbox, room)
        before = self.last(request.c.id)
        sign_up(self.office, mailbox, newsroom=ROOMS[room], language=language)
        number = self.last(request.c.id)
        if not confirms or number == before:
            return
        token = confirm_token(self.office, number)
        with self.database.read() as connection:
            state = connection.scalar(select(request.c.state).where(request.c.id == number))
        view = confirmation.confirm(self.office, token=token, origin=PAGE)
        if state == "open" and view.state == "confirmed":
            self.model.joins(bond, self.clock(), Choice(languages=(language,)))

    def a_reader_moves(self, old: str, new: str, room: str) -> None:
        if old == new or not self.model.bond(old, room).active:
            return
        before = self.last(manage_link.c.id)
        ask_link(self.office, old, newsroom=ROOMS[room])
        link = self.last(manage_link.c.id)
        if link == before:
            return
        asked = self.last(request.c.id)
        with suppress(NotAllowed, TryLater):
            moving.ask(self.office, manage_token(self.office, link), new)
            if (
                self.last(request.c.id) != asked
                and moving.confirm(self.office).state == "confirmed"
            ):
                self.model.moves(old, new)
