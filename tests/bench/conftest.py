"""The benchmarks are scripts beside the package; their tests import them from their folder."""

import sys
from pathlib import Path

BENCH = Path(__file__).parent.parent.parent / "bench"
sys.path.append(str(BENCH))
