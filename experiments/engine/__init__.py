"""How a run computes: cohorts of individuals, shards in processes, what they log, and how it is gathered."""
