"""The rules: each module lists its own in `RULES`, and a new module is found by itself."""
