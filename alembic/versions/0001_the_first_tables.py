"""the first tables"""

import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('audit',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('who', sa.String(length=100), nullable=False),
    sa.Column('act', sa.String(length=40), nullable=False),
    sa.Column('subject', sa.String(length=100), nullable=False),
    sa.Column('detail', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit'))
    )
    op.create_table('release',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('newsroom', sa.String(length=64), nullable=False),
    sa.Column('source', sa.String(length=64), nullable=False),
    sa.Column('identity', sa.String(length=500), nullable=False),
    sa.Column('slug', sa.String(length=80), nullable=False),
    sa.Column('kind', sa.String(length=64), server_default='', nullable=False),
    sa.Column('topics', sa.JSON(), nullable=False),
    sa.Column('issuer', sa.String(length=300), nullable=True),
    sa.Column('canonical_url', sa.String(length=2000), nullable=True),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('hold_reason', sa.String(length=300), nullable=True),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('publish_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state = 'held' OR state = 'approved' OR state = 'published' OR state = 'withdrawn'", name=op.f('ck_release_state')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_release')),
    sa.UniqueConstraint('newsroom', 'identity', name=op.f('uq_release_newsroom_identity'))
    )
    with op.batch_alter_table('release', schema=None) as batch_op:
        batch_op.create_index('ix_release_state_publish_at', ['state', 'publish_at'], unique=False)

    op.create_table('source_state',
    sa.Column('source', sa.String(length=64), nullable=False),
    sa.Column('etag', sa.Text(), nullable=True),
    sa.Column('last_modified', sa.Text(), nullable=True),
    sa.Column('seeded', sa.Boolean(), nullable=False),
    sa.Column('polled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('next_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failures', sa.Integer(), server_default='0', nullable=False),
    sa.Column('fault', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('source', name=op.f('pk_source_state'))
    )
    op.create_table('subscriber',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('typed', sa.String(length=254), nullable=False),
    sa.Column('mailbox', sa.String(length=254), nullable=False),
    sa.Column('lookup', sa.String(length=254), nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_subscriber')),
    sa.UniqueConstraint('lookup', name=op.f('uq_subscriber_lookup'))
    )
    with op.batch_alter_table('subscriber', schema=None) as batch_op:
        batch_op.create_index('ix_subscriber_hash', ['hash'], unique=False)

    op.create_table('suppression',
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('reason', sa.String(length=32), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('hash', name=op.f('pk_suppression'))
    )
    op.create_table('wording',
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('hash', name=op.f('pk_wording'))
    )
    op.create_table('edition',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('release_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('language', sa.String(length=35), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('lead', sa.Text(), nullable=False),
    sa.Column('body', sa.JSON(), nullable=False),
    sa.Column('contacts', sa.JSON(), nullable=False),
    sa.Column('fingerprint', sa.String(length=64), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['release_id'], ['release.id'], name=op.f('fk_edition_release_id_release')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_edition')),
    sa.UniqueConstraint('release_id', 'language', 'version', name=op.f('uq_edition_release_id_language_version'))
    )
    op.create_table('mailing',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('newsroom', sa.String(length=64), nullable=False),
    sa.Column('release_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('hold_reason', sa.String(length=300), nullable=True),
    sa.Column('unknown', sa.String(length=8), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('consent_mark', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('audience', sa.Integer(), nullable=False),
    sa.Column('settled', sa.Integer(), server_default='0', nullable=False),
    sa.CheckConstraint("state = 'open' OR state = 'held' OR state = 'finished' OR state = 'cancelled'", name=op.f('ck_mailing_state')),
    sa.CheckConstraint("unknown = 'resend' OR unknown = 'hold'", name=op.f('ck_mailing_unknown')),
    sa.ForeignKeyConstraint(['release_id'], ['release.id'], name=op.f('fk_mailing_release_id_release')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mailing'))
    )
    with op.batch_alter_table('mailing', schema=None) as batch_op:
        batch_op.create_index('uq_mailing_first', ['release_id'], unique=True, sqlite_where=sa.text("kind = 'first'"), postgresql_where=sa.text("kind = 'first'"))

    op.create_table('release_alias',
    sa.Column('newsroom', sa.String(length=64), nullable=False),
    sa.Column('identity', sa.String(length=500), nullable=False),
    sa.Column('release_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['release_id'], ['release.id'], name=op.f('fk_release_alias_release_id_release')),
    sa.PrimaryKeyConstraint('newsroom', 'identity', name=op.f('pk_release_alias'))
    )
    op.create_table('subscription',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('subscriber_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('newsroom', sa.String(length=64), nullable=False),
    sa.Column('state', sa.String(length=16), server_default='pending', nullable=False),
    sa.Column('languages', sa.JSON(), nullable=False),
    sa.Column('topics', sa.JSON(), nullable=True),
    sa.Column('frequency', sa.String(length=16), server_default='at_once', nullable=False),
    sa.Column('generation', sa.Integer(), server_default='0', nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('active_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('end_reason', sa.String(length=32), nullable=True),
    sa.CheckConstraint("state = 'pending' OR state = 'active' OR state = 'ended'", name=op.f('ck_subscription_state')),
    sa.ForeignKeyConstraint(['subscriber_id'], ['subscriber.id'], name=op.f('fk_subscription_subscriber_id_subscriber')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_subscription')),
    sa.UniqueConstraint('subscriber_id', 'newsroom', name=op.f('uq_subscription_subscriber_id_newsroom'))
    )
    with op.batch_alter_table('subscription', schema=None) as batch_op:
        batch_op.create_index('ix_subscription_newsroom_state', ['newsroom', 'state'], unique=False)

    op.create_table('chunk',
    sa.Column('mailing_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('lo', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('hi', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('mark', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('state', sa.String(length=8), server_default='open', nullable=False),
    sa.Column('worker', sa.String(length=64), nullable=True),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state = 'open' OR state = 'leased' OR state = 'done'", name=op.f('ck_chunk_state')),
    sa.ForeignKeyConstraint(['mailing_id'], ['mailing.id'], name=op.f('fk_chunk_mailing_id_mailing')),
    sa.PrimaryKeyConstraint('mailing_id', 'lo', name=op.f('pk_chunk'))
    )
    with op.batch_alter_table('chunk', schema=None) as batch_op:
        batch_op.create_index('ix_chunk_unfinished', ['mailing_id', 'lo'], unique=False, sqlite_where=sa.text("state <> 'done'"), postgresql_where=sa.text("state <> 'done'"))

    op.create_table('prepared',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('mailing_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('edition_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('newsroom', sa.String(length=64), nullable=False),
    sa.Column('purpose', sa.String(length=16), nullable=False),
    sa.Column('language', sa.String(length=35), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('return_path', sa.String(length=254), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['edition_id'], ['edition.id'], name=op.f('fk_prepared_edition_id_edition')),
    sa.ForeignKeyConstraint(['mailing_id'], ['mailing.id'], name=op.f('fk_prepared_mailing_id_mailing')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_prepared')),
    sa.UniqueConstraint('digest', name=op.f('uq_prepared_digest'))
    )
    with op.batch_alter_table('prepared', schema=None) as batch_op:
        batch_op.create_index('ix_prepared_mailing_id', ['mailing_id'], unique=False)

    op.create_table('request',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('subscription_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('language', sa.String(length=35), nullable=False),
    sa.Column('asked', sa.JSON(), nullable=False),
    sa.Column('wording', sa.String(length=64), nullable=True),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state = 'open' OR state = 'confirmed' OR state = 'expired' OR state = 'answered'", name=op.f('ck_request_state')),
    sa.ForeignKeyConstraint(['subscription_id'], ['subscription.id'], name=op.f('fk_request_subscription_id_subscription')),
    sa.ForeignKeyConstraint(['wording'], ['wording.hash'], name=op.f('fk_request_wording_wording')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_request'))
    )
    with op.batch_alter_table('request', schema=None) as batch_op:
        batch_op.create_index('ix_request_open', ['expires_at'], unique=False, sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))
        batch_op.create_index('ix_request_subscription_id_made_at', ['subscription_id', 'made_at'], unique=False)

    op.create_table('consent',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('subscription_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('request_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('act', sa.String(length=16), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('address', sa.String(length=254), nullable=False),
    sa.Column('form', sa.String(length=64), nullable=False),
    sa.Column('ip', sa.String(length=45), nullable=True),
    sa.Column('user_agent', sa.String(length=500), nullable=True),
    sa.Column('wording', sa.String(length=64), nullable=True),
    sa.Column('evidence', sa.Text(), nullable=True),
    sa.CheckConstraint("act = 'asked' OR act = 'confirmed' OR act = 'imported' OR act = 'left' OR act = 'ended' OR act = 'suppressed'", name=op.f('ck_consent_act')),
    sa.ForeignKeyConstraint(['request_id'], ['request.id'], name=op.f('fk_consent_request_id_request')),
    sa.ForeignKeyConstraint(['subscription_id'], ['subscription.id'], name=op.f('fk_consent_subscription_id_subscription')),
    sa.ForeignKeyConstraint(['wording'], ['wording.hash'], name=op.f('fk_consent_wording_wording')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_consent'))
    )
    with op.batch_alter_table('consent', schema=None) as batch_op:
        batch_op.create_index('ix_consent_subscription_id_id', ['subscription_id', 'id'], unique=False)

    op.create_table('delivery',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('mailing_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('subscription_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('prepared_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('purpose', sa.String(length=16), nullable=False),
    sa.Column('cause', sa.String(length=40), nullable=True),
    sa.Column('state', sa.String(length=16), server_default='due', nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('attempts', sa.SmallInteger(), server_default='0', nullable=False),
    sa.Column('worker', sa.String(length=64), nullable=True),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('code', sa.SmallInteger(), nullable=True),
    sa.Column('reply', sa.String(length=200), nullable=True),
    sa.CheckConstraint("state = 'due' OR state = 'accepted' OR state = 'refused' OR state = 'unknown' OR state = 'ended' OR state = 'expired' OR state = 'cancelled'", name=op.f('ck_delivery_state')),
    sa.ForeignKeyConstraint(['mailing_id'], ['mailing.id'], name=op.f('fk_delivery_mailing_id_mailing')),
    sa.ForeignKeyConstraint(['prepared_id'], ['prepared.id'], name=op.f('fk_delivery_prepared_id_prepared')),
    sa.ForeignKeyConstraint(['subscription_id'], ['subscription.id'], name=op.f('fk_delivery_subscription_id_subscription')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delivery'))
    )
    with op.batch_alter_table('delivery', schema=None) as batch_op:
        batch_op.create_index('ix_delivery_due_at', ['due_at'], unique=False, sqlite_where=sa.text("state = 'due' AND due_at IS NOT NULL"), postgresql_where=sa.text("state = 'due' AND due_at IS NOT NULL"))
        batch_op.create_index('uq_delivery_mailing_id_subscription_id', ['mailing_id', 'subscription_id'], unique=True, sqlite_where=sa.text('mailing_id IS NOT NULL'), postgresql_where=sa.text('mailing_id IS NOT NULL'))
        batch_op.create_index('uq_delivery_purpose_cause', ['purpose', 'cause'], unique=True, sqlite_where=sa.text('mailing_id IS NULL'), postgresql_where=sa.text('mailing_id IS NULL'))

    op.create_table('attempt',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('delivery_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('number', sa.SmallInteger(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('relay', sa.String(length=100), nullable=False),
    sa.Column('phase', sa.String(length=10), nullable=False),
    sa.Column('result', sa.String(length=10), nullable=False),
    sa.Column('code', sa.SmallInteger(), nullable=False),
    sa.Column('enhanced', sa.String(length=12), nullable=False),
    sa.Column('text', sa.String(length=500), nullable=False),
    sa.Column('blame', sa.String(length=10), nullable=False),
    sa.CheckConstraint("result = 'accepted' OR result = 'deferred' OR result = 'refused' OR result = 'unknown'", name=op.f('ck_attempt_result')),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_attempt_delivery_id_delivery')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_attempt'))
    )
    with op.batch_alter_table('attempt', schema=None) as batch_op:
        batch_op.create_index('ix_attempt_delivery_id', ['delivery_id'], unique=False)

    op.create_table('returned',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('delivery_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('verdict', sa.String(length=16), nullable=False),
    sa.Column('status', sa.String(length=12), nullable=True),
    sa.Column('reply', sa.Text(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_returned_delivery_id_delivery')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_returned')),
    sa.UniqueConstraint('digest', name=op.f('uq_returned_digest'))
    )
