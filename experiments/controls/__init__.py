"""Sets whose words are right, partly nonsense, misplaced and all nonsense: docs/words.md."""
