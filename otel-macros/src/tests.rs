//! Expansion snapshots, one for each shape of plan.
