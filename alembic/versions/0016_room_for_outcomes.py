"""room on a page of deliveries for their outcomes: PostgreSQL settles them in place"""

from alembic import op

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('ALTER TABLE delivery SET (fillfactor = 40)')
