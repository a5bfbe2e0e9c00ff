"""chunks count what was accepted of them; PostgreSQL checks no reference to what is never deleted"""

import sqlalchemy as sa
from alembic import op

revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None


def upgrade() -> None:
    accepted = sa.Column('accepted', sa.Integer(), server_default='0', nullable=False)
    op.add_column('chunk', accepted)
    op.execute('ALTER TABLE mailing RENAME COLUMN settled TO settled_otherwise')
    if op.get_bind().dialect.name == 'postgresql':
        op.drop_constraint('fk_chunk_mailing_id_mailing', 'chunk')
        op.drop_constraint('fk_delivery_mailing_id_mailing', 'delivery')
        op.drop_constraint('fk_delivery_prepared_id_prepared', 'delivery')
