"""Why a reader may believe a number: records by seed, fingerprints of the code behind them, and verdicts."""
