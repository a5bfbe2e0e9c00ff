"""corrections, withdrawals, embargoes, accredited readers"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
KINDS = " OR ".join(
    f"kind = '{kind}'" for kind in ('correction', 'withdrawal', 'moved', 'lifted', 'killed')
)


def moment(name: str, nullable: bool = True) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def reference(
    table: str, column: str, target: str, ondelete: str | None = None
) -> sa.ForeignKeyConstraint:
    name = op.f(f'fk_{table}_{column}_{target}')
    return sa.ForeignKeyConstraint([column], [f'{target}.id'], name=name, ondelete=ondelete)


def index(table: str, name: str, column: str, rows: str, unique: bool = False) -> None:
    where = sa.text(rows)
    op.create_index(
        name, table, [column], unique=unique, sqlite_where=where, postgresql_where=where
    )


def upgrade() -> None:
    op.add_column('release', moment('embargo_until'))
    op.add_column('release', moment('approved_at'))
    op.add_column('prepared', sa.Column('superseded_by', KEY, nullable=True))
    op.add_column('prepared', sa.Column('held_edition_id', KEY, nullable=True))
    op.add_column('delivery', sa.Column('answers', KEY, nullable=True))
    op.create_table(
        'amendment',
        sa.Column('id', KEY, autoincrement=True, nullable=False),
        sa.Column('release_id', KEY, nullable=False),
        sa.Column('kind', sa.String(length=16), nullable=False),
        sa.Column('edition_id', KEY, nullable=True),
        sa.Column('mailing_id', KEY, nullable=True),
        sa.Column('editions', sa.JSON(), nullable=False),
        sa.Column('message_mark', KEY, nullable=False),
        sa.Column('note', sa.Text(), nullable=False),
        sa.Column('silent', sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column('who', sa.String(length=100), nullable=False),
        moment('embargo_until'),
        moment('made_at', nullable=False),
        moment('settled_at'),
        sa.CheckConstraint(KINDS, name=op.f('ck_amendment_kind')),
        reference('amendment', 'release_id', 'release'),
        reference('amendment', 'edition_id', 'edition'),
        reference('amendment', 'mailing_id', 'mailing'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_amendment')),
    )
    index('amendment', 'ix_amendment_unsettled', 'release_id', 'settled_at IS NULL')
    index('amendment', 'ix_amendment_edition_id', 'edition_id', 'edition_id IS NOT NULL')
    op.create_table(
        'accreditation',
        sa.Column('id', KEY, autoincrement=True, nullable=False),
        sa.Column('subscription_id', KEY, nullable=False),
        sa.Column('tier', sa.String(length=32), nullable=False),
        sa.Column('outlet', sa.String(length=200), nullable=False),
        sa.Column('approved_by', sa.String(length=100), nullable=False),
        moment('made_at', nullable=False),
        moment('expires_at', nullable=False),
        moment('revoked_at'),
        sa.Column('made_after', KEY, nullable=False),
        sa.Column('revoked_after', KEY, nullable=True),
        reference('accreditation', 'subscription_id', 'subscription', ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_accreditation')),
    )
    index(
        'accreditation', 'uq_accreditation_subscription_id', 'subscription_id',
        'revoked_at IS NULL', unique=True,
    )
