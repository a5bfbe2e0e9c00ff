"""`[limits]`: what visitors may do, and what nobody may overdo."""

from datetime import timedelta
from typing import Annotated

from msgspec import Meta, Struct

from mailer.core.limits import ProofMode, SignupTerms

NoneOrMore = Annotated[int, Meta(ge=0)]


class LimitsSection(Struct, frozen=True, kw_only=True):
    """`[limits]`: what nobody may overdo; 0 sets no limit (see `core.limits.SignupTerms`)."""

    signup_mail_interval_minutes: NoneOrMore = 10
    address_signups_per_day: NoneOrMore = 10
    mailbox_signups_per_day: NoneOrMore = 20
    ipv4_signups_per_hour: NoneOrMore = 30
    ipv4_24_signups_per_hour: NoneOrMore = 120
    ipv6_64_signups_per_hour: NoneOrMore = 30
    ipv6_48_signups_per_hour: NoneOrMore = 120
    domain_signups_per_hour: NoneOrMore = 500
    signups_per_hour: NoneOrMore = 3000
    surge_signups: NoneOrMore = 150
    unproved_signups: NoneOrMore = 20
    calm_minutes: Annotated[int, Meta(ge=1)] = 10
    form_min_seconds: Annotated[float, Meta(ge=0, le=60)] = 2
    form_max_hours: Annotated[int, Meta(ge=1, le=720)] = 24
    proof_of_work: ProofMode = "off"
    proof_of_work_effort: Annotated[int, Meta(ge=1000, le=1_000_000)] = 50_000
    answer_milliseconds: Annotated[int, Meta(ge=0, le=1000)] = 50
    reminder_hours: Annotated[int, Meta(ge=0, le=71)] = 24
    lapsed_days: NoneOrMore = 90
    late_hours: Annotated[int, Meta(ge=1)] = 24
    attachments_kilobytes: Annotated[int, Meta(ge=0, le=10_000)] = 300

    def value(self, *, smtputf8: bool) -> SignupTerms:
        """What visitors may do, as the floors below know it.

        Args:
            smtputf8: every relay takes letters beyond ASCII before the @.
        """
        return SignupTerms(
            address_a_day=self.address_signups_per_day,
            mailbox_a_day=self.mailbox_signups_per_day,
            ipv4_an_hour=self.ipv4_signups_per_hour,
            ipv4_24_an_hour=self.ipv4_24_signups_per_hour,
            ipv6_64_an_hour=self.ipv6_64_signups_per_hour,
            ipv6_48_an_hour=self.ipv6_48_signups_per_hour,
            domain_an_hour=self.domain_signups_per_hour,
            overall_an_hour=self.signups_per_hour,
            surge=self.surge_signups,
            unproved=self.unproved_signups,
            calm=timedelta(minutes=self.calm_minutes),
            form_min_age=timedelta(seconds=self.form_min_seconds),
            form_max_age=timedelta(hours=self.form_max_hours),
            proof=self.proof_of_work,
            effort=self.proof_of_work_effort,
            answer_after=timedelta(milliseconds=self.answer_milliseconds),
            smtputf8=smtputf8,
        )
